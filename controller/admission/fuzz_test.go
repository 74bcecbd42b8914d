package admission_test

import (
	"testing"

	"github.com/gardener/gardener/pkg/apis/core"
	"k8s.io/apimachinery/pkg/runtime"
)

// Whatever the providerConfig is, nothing panics, and writing it again is no change.
func FuzzProviderConfig(f *testing.F) {
	for _, seed := range []part{
		caches(oneCache), mirrors(oneMirror), extension("registry-cache", "[]"),
		caches("caches: [{upstream: 'a:1', serviceNameSuffix: x, secretReferenceName: creds}, {upstream: a-1}]"),
		mirrors("mirrors: [{upstream: docker.io, hosts: [{host: 'https://m/x', caBundleSecretReferenceName: creds}]}]"),
		old("v1alpha1", "caches: [{upstream: docker.io, size: 1e3}]"), old("v1alpha2", "caches: [null]"),
	} {
		f.Add([]byte(`{}`), shoot(seed).Spec.Extensions[0].ProviderConfig.Raw)
	}
	f.Add([]byte("caches: []"), []byte("{caches")) // what no API server sends
	cluster := reader(secret("creds", true, map[string]string{"username": "me", "password": "x"}))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		with := func(text []byte) *core.Shoot {
			config := &runtime.RawExtension{Raw: text}
			s := shoot(resource("creds", "Secret", "creds"))
			s.Spec.Extensions = []core.Extension{{Type: "registry-cache", ProviderConfig: config}, {Type: "registry-mirror", ProviderConfig: config}}
			return s
		}
		caches, mirrors := cacheValidator(cluster), mirrorValidator(cluster)
		_ = caches.Validate(t.Context(), with(after), with(before))
		_ = mirrors.Validate(t.Context(), with(after), with(before))
		if err := caches.Validate(t.Context(), with(after), with(after)); err != nil {
			t.Errorf("caches written again: %v", err)
		}
		if err := mirrors.Validate(t.Context(), with(after), with(after)); err != nil {
			t.Errorf("mirrors written again: %v", err)
		}
		_ = caches.Validate(t.Context(), with(after), nil)
		_ = mirrors.Validate(t.Context(), with(after), nil)
	})
}
