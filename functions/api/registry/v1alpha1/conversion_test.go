package v1alpha1_test

import (
	"encoding/json"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// TestConversion converts one cache of this version, as JSON, to the hub's.
func TestConversion(t *testing.T) {
	tests := []struct{ name, cache, hub string }{
		{"least", `{"upstream":"a.io"}`,
			`{"upstream":"a.io","volume":{"storageClassName":"default"},"http":{"tls":false}}`},
		{"every field", `{"upstream":"a.io","size":"20Gi","garbageCollection":{"enabled":true},"secretReferenceName":"s"}`,
			`{"upstream":"a.io","volume":{"size":"20Gi","storageClassName":"default"},"garbageCollection":{"ttl":"168h0m0s"},"secretReferenceName":"s","http":{"tls":false}}`},
		{"size alone", `{"upstream":"a.io","size":"1Gi"}`,
			`{"upstream":"a.io","volume":{"size":"1Gi","storageClassName":"default"},"http":{"tls":false}}`},
		{"garbage collection off", `{"upstream":"a.io","garbageCollection":{"enabled":false}}`,
			`{"upstream":"a.io","volume":{"storageClassName":"default"},"garbageCollection":{"ttl":"0s"},"http":{"tls":false}}`},
		{"garbage collection empty stays empty, for the warning", `{"upstream":"a.io","garbageCollection":{}}`,
			`{"upstream":"a.io","volume":{"storageClassName":"default"},"garbageCollection":{},"http":{"tls":false}}`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			config := &v1alpha1.RegistryConfig{}
			config.Kind = "RegistryConfig"
			config.Caches = make([]v1alpha1.RegistryCache, 1)
			if err := json.Unmarshal([]byte(tc.cache), &config.Caches[0]); err != nil {
				t.Fatal(err)
			}
			want := `{"kind":"RegistryConfig","apiVersion":"registry.extensions.gardener.cloud/v1alpha3","caches":[` + tc.hub + `]}`
			if got := text(t, config.ToV1alpha3()); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestConversionKeepsTheOrderOfCaches(t *testing.T) {
	config := &v1alpha1.RegistryConfig{Caches: []v1alpha1.RegistryCache{{Upstream: "b.io"}, {Upstream: "a.io"}, {Upstream: "c.io"}}}
	got := ""
	for _, cache := range config.ToV1alpha3().Caches {
		got += cache.Upstream + " "
	}
	if got != "b.io a.io c.io " {
		t.Errorf("got %s", got)
	}
	if hub := (&v1alpha1.RegistryConfig{}).ToV1alpha3(); len(hub.Caches) != 0 {
		t.Errorf("got caches from nothing: %+v", hub)
	}
}

// TestConvertedAndDefaulted: whatever the platform's default, the caches of this version have no TLS, for nodes were
// configured with http.
func TestConvertedAndDefaulted(t *testing.T) {
	hub := (&v1alpha1.RegistryConfig{Caches: []v1alpha1.RegistryCache{
		{Upstream: "a.io"},
		{Upstream: "b.io", GarbageCollection: &v1alpha1.GarbageCollection{}},
	}}).ToV1alpha3()
	hub.Default(true)
	for _, cache := range hub.Caches {
		if cache.TLSEnabled() || cache.HighlyAvailable() || cache.Volume.Size.String() != v1alpha3.DefaultVolumeSize {
			t.Errorf("got %s", text(t, cache))
		}
	}
	if first, second := hub.Caches[0].GarbageCollection.TTL, hub.Caches[1].GarbageCollection.TTL; first.Duration != v1alpha3.DefaultTTL || second.Duration != 0 {
		t.Errorf("got TTLs %s and %s", first.Duration, second.Duration)
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}
