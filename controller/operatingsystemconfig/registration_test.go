package operatingsystemconfig_test

import (
	"testing"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestRegistration: gardener's library makes of the webhooks the MutatingWebhookConfiguration that the existing extension has,
// with the names and paths of its webhooks, so that ours take their place.
func TestRegistration(t *testing.T) {
	mgr := (&seed{}).manager()
	webhooks := []*extensionswebhook.Webhook{webhook(t, mgr, cacheName), webhook(t, mgr, mirrorName)}
	gvk := extensionsv1alpha1.SchemeGroupVersion.WithKind("OperatingSystemConfig")
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{gvk.GroupVersion()})
	mapper.Add(gvk, meta.RESTScopeNamespace)
	c := fake.NewClientBuilder().WithScheme(scheme).WithRESTMapper(mapper).Build()

	seedConfigs, shootConfigs, err := extensionswebhook.BuildWebhookConfigs(
		webhooks, c, "extension-registry-cache", "registry-cache", false, 443, extensionswebhook.ModeService, "", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if shootConfigs.HasWebhookConfig() || seedConfigs.ValidatingWebhookConfig != nil {
		t.Errorf("want a mutating webhook in the seed only, got %v and %v", seedConfigs, shootConfigs)
	}
	if got := seedConfigs.MutatingWebhookConfig.Name; got != "gardener-extension-registry-cache" {
		t.Errorf("want the configuration of the existing extension, got %s", got)
	}
	var want []admissionregistrationv1.MutatingWebhook
	for _, name := range []string{"registry-cache", "registry-mirror"} {
		want = append(want, registered(name))
	}
	if diff := cmp.Diff(want, seedConfigs.MutatingWebhookConfig.Webhooks); diff != "" {
		t.Errorf("the webhooks differ (-want +got):\n%s", diff)
	}
}

func registered(name string) admissionregistrationv1.MutatingWebhook {
	return admissionregistrationv1.MutatingWebhook{
		Name: name + ".registry-cache.extensions.gardener.cloud",
		ClientConfig: admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{
			Namespace: "extension-registry-cache", Name: "gardener-extension-registry-cache",
			Path: new("/webhooks/" + name), Port: new(int32(443)),
		}},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
			Rule: admissionregistrationv1.Rule{
				APIGroups: []string{"extensions.gardener.cloud"}, APIVersions: []string{"v1alpha1"}, Resources: []string{"operatingsystemconfigs"},
			},
		}},
		FailurePolicy: new(admissionregistrationv1.Fail),
		MatchPolicy:   new(admissionregistrationv1.Exact),
		NamespaceSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: "extensions.gardener.cloud/" + name, Operator: metav1.LabelSelectorOpIn, Values: []string{"true"},
		}}},
		SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
		TimeoutSeconds:          new(int32(10)),
		AdmissionReviewVersions: []string{"v1", "v1beta1"},
	}
}
