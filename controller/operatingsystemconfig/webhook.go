// Package operatingsystemconfig holds the mutating webhooks that give the nodes of a Shoot their configuration of containerd:
// one for Extensions of type "registry-cache", one for those of type "registry-mirror". They decide when something goes into
// an OperatingSystemConfig; what goes into it is decided by functions/containerdregistries, which they run in-process.
//
// gardenlet writes each OperatingSystemConfig anew in every reconciliation of the Shoot, after the Extensions have been
// reconciled: it merges units, files and criConfig as a whole, so that nothing of what was added before is left. Other
// updates, of finalizers or annotations, carry what the webhooks added, and are answered with an empty patch.
package operatingsystemconfig

import (
	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// The webhooks' names, which are also the types and the names of the Extensions that they serve. The existing extension
// registers the same ones at the same paths.
const (
	CacheName  = "registry-cache"
	MirrorName = "registry-mirror"
)

// NewCacheWebhook returns the webhook for the caches of a Shoot. Of the manager it needs a scheme with gardener's extensions
// API, and a cached client that may list and watch Clusters; Extensions and Secrets are read from the API server.
func NewCacheWebhook(mgr manager.Manager) (*extensionswebhook.Webhook, error) {
	return newWebhook(mgr, cacheSource), nil
}

// NewMirrorWebhook returns the webhook for the mirrors of a Shoot; it needs what NewCacheWebhook needs.
func NewMirrorWebhook(mgr manager.Manager) (*extensionswebhook.Webhook, error) {
	return newWebhook(mgr, mirrorSource), nil
}

func newWebhook(mgr manager.Manager, s source) *extensionswebhook.Webhook {
	shoots := []extensionsv1alpha1.ExtensionClass{extensionsv1alpha1.ExtensionClassShoot}
	return &extensionswebhook.Webhook{
		Action: extensionswebhook.ActionMutating,
		Name:   s.name,
		Path:   "/webhooks/" + s.name,
		Target: extensionswebhook.TargetSeed,
		Types:  []extensionswebhook.Type{{Obj: &extensionsv1alpha1.OperatingSystemConfig{}}},
		// gardenlet labels the namespaces of Shoots with an Extension of the type, so no other Shoot depends on this webhook.
		NamespaceSelector: extensionswebhook.BuildExtensionTypeNamespaceSelector(s.name, shoots),
		Webhook: &admission.Webhook{
			Handler:      &handler{source: s, cached: mgr.GetClient(), live: mgr.GetAPIReader()},
			RecoverPanic: new(true),
		},
	}
}
