package operatingsystemconfig_test

import (
	"strings"
	"testing"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/registry-cache/registry-cache/controller/operatingsystemconfig"
)

const (
	cacheName  = operatingsystemconfig.CacheName
	mirrorName = operatingsystemconfig.MirrorName
)

const (
	deletedShoot    = `{"apiVersion":"core.gardener.cloud/v1beta1","kind":"Shoot","metadata":{"name":"bar","deletionTimestamp":"2026-01-01T00:00:00Z"}}`
	hibernatedShoot = `{"apiVersion":"core.gardener.cloud/v1beta1","kind":"Shoot","metadata":{"name":"bar"},"spec":{"hibernation":{"enabled":true}}}`
)

// unpatched are the cases: in each, something else is broken that would be an error.
var unpatched = map[string]struct {
	webhooks []string
	change   func(t *testing.T, s *seed, extension *extensionsv1alpha1.Extension, osc []byte) []byte
	want     string
}{
	"OperatingSystemConfig being deleted": {
		[]string{cacheName, mirrorName},
		func(t *testing.T, s *seed, _ *extensionsv1alpha1.Extension, osc []byte) []byte {
			s.objects = nil
			return replace(t, osc, `"name":"gardener-node`, `"deletionTimestamp":"2026-01-01T00:00:00Z","name":"gardener-node`)
		},
		"the OperatingSystemConfig is being deleted",
	},
	"purpose provision": {
		[]string{cacheName, mirrorName},
		func(t *testing.T, s *seed, _ *extensionsv1alpha1.Extension, osc []byte) []byte {
			s.objects = nil
			return replace(t, osc, `"purpose":"reconcile"`, `"purpose":"provision"`)
		},
		"the OperatingSystemConfig is not of purpose reconcile",
	},
	"Shoot being deleted": {
		[]string{cacheName, mirrorName},
		func(t *testing.T, s *seed, e *extensionsv1alpha1.Extension, osc []byte) []byte {
			setShoot(t, s, deletedShoot)
			e.Spec.ProviderConfig, e.Status.ProviderStatus = nil, nil
			return osc
		},
		"the Shoot is being deleted",
	},
	"Shoot hibernated": {
		[]string{cacheName},
		func(t *testing.T, s *seed, e *extensionsv1alpha1.Extension, osc []byte) []byte {
			setShoot(t, s, hibernatedShoot)
			e.Status.ProviderStatus = nil
			return osc
		},
		"the Shoot is hibernated",
	},
	"no Extension": {
		[]string{cacheName, mirrorName},
		func(_ *testing.T, s *seed, e *extensionsv1alpha1.Extension, osc []byte) []byte {
			s.without(e)
			return osc
		},
		"there is no extension <webhook>",
	},
	"Extension being deleted": {
		[]string{cacheName, mirrorName},
		func(_ *testing.T, _ *seed, e *extensionsv1alpha1.Extension, osc []byte) []byte {
			e.DeletionTimestamp, e.Finalizers = new(metav1.Now()), []string{"extensions.gardener.cloud/registry-cache"}
			e.Spec.ProviderConfig, e.Status.ProviderStatus = nil, nil
			return osc
		},
		"the extension <webhook> is being deleted",
	},
	"no cache in the status": {
		[]string{cacheName},
		func(_ *testing.T, _ *seed, e *extensionsv1alpha1.Extension, osc []byte) []byte {
			e.Status.ProviderStatus.Raw = []byte(`{"apiVersion":"registry.extensions.gardener.cloud/v1alpha3","kind":"RegistryStatus","caches":[]}`)
			return osc
		},
		"the extension <webhook> has nothing to configure",
	},
}

// TestUnpatched: what is allowed as it is, and why.
func TestUnpatched(t *testing.T) {
	for name, test := range unpatched {
		for _, webhook := range test.webhooks {
			t.Run(name+" "+webhook, func(t *testing.T) {
				s := load(t, "cache-and-mirror")
				osc := test.change(t, s, object[*extensionsv1alpha1.Extension](t, s, webhook), readOSC(t, "cache-and-mirror"))
				got := s.ask(t, webhook, osc)
				want := strings.ReplaceAll(test.want, "<webhook>", webhook)
				if !got.Allowed || got.Patch != nil || got.PatchType != nil || got.Result.Message != want {
					t.Errorf("want it allowed unpatched because %q, got %v, %q and a patch of %d bytes", want, got.Allowed, got.Result.Message, len(got.Patch))
				}
			})
		}
	}
}

// setShoot puts another Shoot into the Cluster.
func setShoot(t *testing.T, s *seed, shoot string) {
	t.Helper()
	object[*extensionsv1alpha1.Cluster](t, s, namespace).Spec.Shoot = runtime.RawExtension{Raw: []byte(shoot)}
}
