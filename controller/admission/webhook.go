package admission

import (
	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	"github.com/gardener/gardener/pkg/apis/core"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

const (
	// CacheWebhook is the name of the webhook for the extension registry-cache, by which it can be disabled.
	CacheWebhook = CacheType + "-validator"
	// MirrorWebhook is the name of the webhook for the extension registry-mirror, by which it can be disabled.
	MirrorWebhook = MirrorType + "-validator"
)

// NewCacheWebhook returns the webhook for Shoots with the extension registry-cache, whose caches run the program. The manager's scheme must know
// core.gardener.cloud with its internal types, and its API reader the garden cluster.
func NewCacheWebhook(mgr manager.Manager, program fnv1alpha1.Registry) (*extensionswebhook.Webhook, error) {
	return newWebhook(mgr, CacheWebhook, CacheType, NewCacheValidator(program, mgr.GetAPIReader()))
}

// NewMirrorWebhook is NewCacheWebhook for the extension registry-mirror, which runs no program.
func NewMirrorWebhook(mgr manager.Manager) (*extensionswebhook.Webhook, error) {
	return newWebhook(mgr, MirrorWebhook, MirrorType, NewMirrorValidator(mgr.GetAPIReader()))
}

// newWebhook returns a webhook for Shoots with the label that Gardener gives to those with the extension enabled.
func newWebhook(mgr manager.Manager, name, extensionType string, validator extensionswebhook.Validator) (*extensionswebhook.Webhook, error) {
	hook, err := extensionswebhook.New(mgr, extensionswebhook.Args{
		Name:       name,
		Path:       "/webhooks/" + extensionType,
		Target:     extensionswebhook.TargetSeed, // which is the garden cluster here: where the manager is
		Validators: map[extensionswebhook.Validator][]extensionswebhook.Type{validator: {{Obj: &core.Shoot{}}}},
		ObjectSelector: &metav1.LabelSelector{
			MatchLabels: map[string]string{v1beta1constants.LabelExtensionExtensionTypePrefix + extensionType: "true"},
		},
	})
	if err != nil {
		return nil, err
	}
	hook.Webhook.Handler = noting{hook.Webhook.Handler}
	return hook, nil
}
