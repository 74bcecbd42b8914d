package operatingsystemconfig_test

import (
	"context"
	"errors"
	"testing"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const caSecret = "ca-extension-registry-cache-bundle-0a1b2c3d"

// status returns a change of the cache's status.
func status(raw string) func(*testing.T, *seed) {
	return func(t *testing.T, s *seed) {
		t.Helper()
		object[*extensionsv1alpha1.Extension](t, s, cacheName).Status.ProviderStatus = &runtime.RawExtension{Raw: []byte(raw)}
	}
}

// mirrorConfig returns a change of the mirror's config.
func mirrorConfig(raw string) func(*testing.T, *seed) {
	return func(t *testing.T, s *seed) {
		t.Helper()
		object[*extensionsv1alpha1.Extension](t, s, mirrorName).Spec.ProviderConfig = &runtime.RawExtension{Raw: []byte(raw)}
	}
}

const (
	statusHead = `{"apiVersion":"registry.extensions.gardener.cloud/v1alpha3","kind":"RegistryStatus",`
	mirrorHead = `{"apiVersion":"mirror.extensions.gardener.cloud/v1alpha1","kind":"MirrorConfig",`
)

type errorCase struct {
	webhook string
	change  func(*testing.T, *seed)
	want    string
}

var cacheErrors = map[string]errorCase{
	"no Cluster": {
		cacheName, func(t *testing.T, s *seed) { s.without(object[*extensionsv1alpha1.Cluster](t, s, namespace)) },
		`reading the cluster shoot--foo--bar: clusters.extensions.gardener.cloud "shoot--foo--bar" not found`,
	},
	"Cluster without Shoot": {
		mirrorName, func(t *testing.T, s *seed) {
			object[*extensionsv1alpha1.Cluster](t, s, namespace).Spec.Shoot = runtime.RawExtension{}
		},
		"the cluster shoot--foo--bar must have a Shoot: wait until gardenlet has written its spec.shoot",
	},
	"Cluster with something else": {
		cacheName, func(t *testing.T, s *seed) {
			setShoot(t, s, `{"apiVersion":"core.gardener.cloud/v1beta1","kind":"Shoot","spec":1}`)
		},
		"decoding the Shoot of the cluster shoot--foo--bar: json: cannot unmarshal number into Go struct field Shoot.spec of type v1beta1.ShootSpec",
	},
	"no status": {
		cacheName, func(t *testing.T, s *seed) {
			object[*extensionsv1alpha1.Extension](t, s, cacheName).Status.ProviderStatus = nil
		},
		"the extension shoot--foo--bar/registry-cache must have a status.providerStatus, which says where the caches are: " +
			"wait until it has been reconciled; its status.lastError says if it cannot be",
	},
	"status of another kind": {
		cacheName, status(`{"apiVersion":"registry.extensions.gardener.cloud/v1alpha3","kind":"RegistryConfig","caches":[]}`),
		"decoding status.providerStatus of the extension shoot--foo--bar/registry-cache: must be a RegistryStatus of one of " +
			"registry.extensions.gardener.cloud/v1alpha1, registry.extensions.gardener.cloud/v1alpha2, registry.extensions.gardener.cloud/v1alpha3, " +
			`got "RegistryConfig" of "registry.extensions.gardener.cloud/v1alpha3"`,
	},
	"status of another shape": {
		cacheName, status(statusHead + `"caches":{}}`),
		"decoding status.providerStatus of the extension shoot--foo--bar/registry-cache: " +
			"json: cannot unmarshal object into Go struct field RegistryStatus.caches of type []v1alpha3.RegistryCacheStatus",
	},
	"status with impossible addresses": {
		cacheName, status(statusHead + `"caches":[{"upstream":"docker.io","endpoint":"http://10.4.0.10:5000/x","remoteURL":"ftp://docker.io"}]}`),
		"configuring containerd for the extension shoot--foo--bar/registry-cache: " +
			`registries[0].server: Invalid value: "ftp://docker.io": url must start with 'http://' or 'https://' scheme; ` +
			`registries[0].hosts[0].url: Invalid value: "http://10.4.0.10:5000/x": url must not contain a path`,
	},
	"TLS without a CA bundle": {
		cacheName, status(statusHead + `"caches":[{"upstream":"docker.io","endpoint":"https://10.4.0.10:5000"}]}`),
		"reading status.providerStatus of the extension shoot--foo--bar/registry-cache: " +
			"caSecretName must be given for the cache of docker.io, which is served with https",
	},
	"no CA Secret": {
		cacheName, func(t *testing.T, s *seed) { s.without(object[*corev1.Secret](t, s, caSecret)) },
		"reading the CA bundle that status.providerStatus of the extension shoot--foo--bar/registry-cache names: " +
			"reading the secret shoot--foo--bar/" + caSecret + `: secrets "` + caSecret + `" not found`,
	},
	"CA Secret without bundle": {
		cacheName, func(t *testing.T, s *seed) {
			object[*corev1.Secret](t, s, caSecret).Data = map[string][]byte{"ca.crt": []byte("x")}
		},
		"configuring containerd for the extension shoot--foo--bar/registry-cache: registries[0].hosts[0].caBundleSecretName: " +
			`Invalid value: "` + caSecret + `": missing "bundle.crt" data entry in the referenced CA bundle secret "shoot--foo--bar/` + caSecret + `"`,
	},
	"CA Secret with something else": {
		cacheName, func(t *testing.T, s *seed) {
			object[*corev1.Secret](t, s, caSecret).Data["bundle.crt"] = []byte("not a certificate")
		},
		"configuring containerd for the extension shoot--foo--bar/registry-cache: registries[0].hosts[0].caBundleSecretName: " +
			`Invalid value: "` + caSecret + `": the CA bundle is not a valid PEM-encoded certificate`,
	},
}

var mirrorErrors = map[string]errorCase{
	"mirrors without config": {
		mirrorName, func(t *testing.T, s *seed) {
			object[*extensionsv1alpha1.Extension](t, s, mirrorName).Spec.ProviderConfig = nil
		},
		"the extension shoot--foo--bar/registry-mirror must have a spec.providerConfig, which lists the mirrors: give the Shoot's extension one",
	},
	"mirrors of another kind": {
		mirrorName, mirrorConfig(`{"apiVersion":"functions.registry.extensions.gardener.cloud/v1alpha1","kind":"ContainerdRegistries","registries":[]}`),
		"decoding spec.providerConfig of the extension shoot--foo--bar/registry-mirror: kind: Unsupported value: " +
			`"functions.registry.extensions.gardener.cloud/v1alpha1 ContainerdRegistries": ` +
			`supported values: "mirror.extensions.gardener.cloud/v1alpha1 MirrorConfig"`,
	},
	"mirrors of another kind of the same group": {
		mirrorName, mirrorConfig(`{"apiVersion":"mirror.extensions.gardener.cloud/v1alpha1","kind":"Config","mirrors":[{"upstream":"docker.io","hosts":[{"host":"https://m"}]}]}`),
		"decoding spec.providerConfig of the extension shoot--foo--bar/registry-mirror: kind: Unsupported value: " +
			`"mirror.extensions.gardener.cloud/v1alpha1 Config": supported values: "mirror.extensions.gardener.cloud/v1alpha1 MirrorConfig"`,
	},
	"mirrors with unknown fields": {
		mirrorName, mirrorConfig(mirrorHead + `"mirror":[],"mirrors":[{"upstream":"docker.io","hosts":[{"url":"https://m"}]}]}`),
		"configuring containerd for the extension shoot--foo--bar/registry-mirror: " +
			`mirror: Forbidden: unknown field, must be one of "kind", "apiVersion", "mirrors"; ` +
			`mirrors[0].hosts[0].url: Forbidden: unknown field, must be one of "host", "capabilities", "caBundleSecretReferenceName", "overridePath"; ` +
			`mirrors[0].hosts[0].host: Invalid value: "": url must start with 'http://' or 'https://' scheme`,
	},
	"mirrors with unknown references": {
		mirrorName, mirrorConfig(mirrorHead + `"mirrors":[{"upstream":"docker.io","hosts":[{"host":"https://m","caBundleSecretReferenceName":"a"},` +
			`{"host":"https://n","caBundleSecretReferenceName":"b"},{"host":"https://o","caBundleSecretReferenceName":"a"}]}]}`),
		"finding the CA bundles that the extension shoot--foo--bar/registry-mirror refers to: " +
			`mirrors[0].hosts[0].caBundleSecretReferenceName: Invalid value: "a": must be the name of an entry of the Shoot's spec.resources with kind Secret; ` +
			`mirrors[0].hosts[1].caBundleSecretReferenceName: Invalid value: "b": must be the name of an entry of the Shoot's spec.resources with kind Secret; ` +
			`mirrors[0].hosts[2].caBundleSecretReferenceName: Invalid value: "a": must be the name of an entry of the Shoot's spec.resources with kind Secret`,
	},
	"no copy of the mirror's CA bundle": {
		mirrorName, func(t *testing.T, s *seed) { s.without(object[*corev1.Secret](t, s, "ref-my-mirror-ca-v1")) },
		`reading the CA bundle "mirror-ca" that the extension shoot--foo--bar/registry-mirror refers to: ` +
			`reading the secret shoot--foo--bar/ref-my-mirror-ca-v1: secrets "ref-my-mirror-ca-v1" not found`,
	},
	"mutable CA bundle of a mirror": {
		mirrorName, func(t *testing.T, s *seed) { object[*corev1.Secret](t, s, "ref-my-mirror-ca-v1").Immutable = nil },
		"configuring containerd for the extension shoot--foo--bar/registry-mirror: mirrors[0].hosts[0].caBundleSecretReferenceName: " +
			`Invalid value: "mirror-ca": the referenced CA bundle secret "mirror-ca" should be immutable`,
	},
}

// TestErrors: the exact words for everything that keeps an OperatingSystemConfig from being configured.
func TestErrors(t *testing.T) {
	for _, table := range []map[string]errorCase{cacheErrors, mirrorErrors} {
		for name, test := range table {
			t.Run(name, func(t *testing.T) {
				s := load(t, "cache-and-mirror")
				test.change(t, s)
				got := s.ask(t, test.webhook, readOSC(t, "cache-and-mirror"))
				if got.Allowed || got.Patch != nil || got.Result.Code != 500 {
					t.Fatalf("want an internal error, got %v and a patch of %d bytes", got.Result, len(got.Patch))
				}
				if diff := cmp.Diff(test.want, got.Result.Message); diff != "" {
					t.Errorf("the message differs (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestNoContainerd: mirrors are entries of containerd's configuration, which gardenlet writes for each worker with containerd.
func TestNoContainerd(t *testing.T) {
	s := load(t, "mirror-hibernated")
	got := s.ask(t, mirrorName, replace(t, readOSC(t, "mirror-hibernated"), `"containerd":{"sandboxImage":"registry.k8s.io/pause:3.10"},`, ""))
	const want = "adding what the extension shoot--foo--bar/registry-mirror asks for to the OperatingSystemConfig: " +
		`spec.criConfig.containerd: must be there, for the mirrors of "docker.io" go into it`
	if got.Allowed || got.Result.Message != want {
		t.Errorf("want %s, got %v", want, got.Result)
	}
}

// TestUnreachableAPIServer: an Extension that cannot be read is not one that is absent.
func TestUnreachableAPIServer(t *testing.T) {
	for name := range factories {
		mgr := load(t, "cache-and-mirror").manager()
		mgr.live = fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return errors.New("etcd is on fire")
			},
		}).Build()
		got := webhook(t, mgr, name).Webhook.Handle(context.Background(), request(readOSC(t, "cache-and-mirror")))
		want := "reading the extension shoot--foo--bar/" + name + ": etcd is on fire"
		if got.Allowed || got.Result.Message != want {
			t.Errorf("want %s, got %v", want, got.Result)
		}
	}
}
