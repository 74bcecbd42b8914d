package admission_test

import (
	"flag"
	"path/filepath"
	"testing"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/controller/admission"
)

var update = flag.Bool("update", false, "write the golden files")

// Names, paths, selectors and rules are those that a landscape has already.
func TestRegistration(t *testing.T) {
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{gardencorev1beta1.SchemeGroupVersion})
	mapper.Add(gardencorev1beta1.SchemeGroupVersion.WithKind("Shoot"), meta.RESTScopeNamespace)
	c := cluster{client: fake.NewClientBuilder().WithScheme(gardenScheme(t)).WithRESTMapper(mapper).Build()}
	caches, err := cacheWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	mirrors, err := admission.NewMirrorWebhook(c)
	if err != nil {
		t.Fatal(err)
	}
	configs, _, err := extensionswebhook.BuildWebhookConfigs([]*extensionswebhook.Webhook{caches, mirrors}, c.client,
		"garden", "registry-cache-admission", false, 443, extensionswebhook.ModeURL, "gardener-extension-registry-cache-admission.garden", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if configs.MutatingWebhookConfig != nil {
		t.Error("there is a mutating webhook")
	}
	text, err := yaml.Marshal(configs.ValidatingWebhookConfig)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, filepath.Join("testdata", "webhookconfiguration.yaml"), text)
}
