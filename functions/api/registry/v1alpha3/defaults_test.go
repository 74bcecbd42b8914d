package v1alpha3_test

import (
	"encoding/json"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// TestDefault fills in one cache, given as JSON, with TLS as the default and without.
func TestDefault(t *testing.T) {
	const (
		volume = `"volume":{"size":"10Gi"}`
		ttl    = `"garbageCollection":{"ttl":"168h0m0s"}`
	)
	tests := []struct{ name, cache, withTLS, withoutTLS string }{
		{"least", `{"upstream":"a.io"}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":true}}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":false}}`},
		{"storage class alone", `{"upstream":"a.io","volume":{"storageClassName":"fast"}}`,
			`{"upstream":"a.io","volume":{"size":"10Gi","storageClassName":"fast"},` + ttl + `,"http":{"tls":true}}`,
			`{"upstream":"a.io","volume":{"size":"10Gi","storageClassName":"fast"},` + ttl + `,"http":{"tls":false}}`},
		{"empty garbage collection keeps content for ever", `{"upstream":"a.io","garbageCollection":{}}`,
			`{"upstream":"a.io",` + volume + `,"garbageCollection":{"ttl":"0s"},"http":{"tls":true}}`,
			`{"upstream":"a.io",` + volume + `,"garbageCollection":{"ttl":"0s"},"http":{"tls":false}}`},
		{"empty http switches TLS off", `{"upstream":"a.io","http":{}}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":false}}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":false}}`},
		{"TLS given", `{"upstream":"a.io","http":{"tls":true}}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":true}}`,
			`{"upstream":"a.io",` + volume + `,` + ttl + `,"http":{"tls":true}}`},
		{"what is given stays", everyField, everyField, everyField},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			for tls, want := range map[bool]string{true: tc.withTLS, false: tc.withoutTLS} {
				config := &v1alpha3.RegistryConfig{Caches: make([]v1alpha3.RegistryCache, 1)}
				if err := json.Unmarshal([]byte(tc.cache), &config.Caches[0]); err != nil {
					t.Fatal(err)
				}
				for range 2 { // the second time changes nothing
					config.Default(tls)
					if got := text(t, config.Caches[0]); got != want {
						t.Errorf("with tls=%v got  %s\nwant %s", tls, got, want)
					}
				}
			}
		})
	}
}

// TestDefaultsAreNotShared: filling in two caches gives each values of its own.
func TestDefaultsAreNotShared(t *testing.T) {
	config := &v1alpha3.RegistryConfig{Caches: make([]v1alpha3.RegistryCache, 2)}
	config.Default(true)
	*config.Caches[0].HTTP.TLS = false
	config.Caches[0].GarbageCollection.TTL.Duration = 1
	if second := config.Caches[1]; !second.TLSEnabled() || second.GarbageCollection.TTL.Duration != v1alpha3.DefaultTTL {
		t.Errorf("the second cache changed with the first: %s", text(t, second))
	}
}

func TestQuestions(t *testing.T) {
	yes, no := true, false
	for _, tc := range []struct {
		cache   v1alpha3.RegistryCache
		tls, ha bool
	}{
		{v1alpha3.RegistryCache{}, false, false},
		{v1alpha3.RegistryCache{HTTP: &v1alpha3.HTTP{}, HighAvailability: &v1alpha3.HighAvailability{}}, false, false},
		{v1alpha3.RegistryCache{HTTP: &v1alpha3.HTTP{TLS: &no}}, false, false},
		{v1alpha3.RegistryCache{HTTP: &v1alpha3.HTTP{TLS: &yes}}, true, false},
		{v1alpha3.RegistryCache{HighAvailability: &v1alpha3.HighAvailability{Enabled: true}}, false, true},
	} {
		if got := tc.cache.TLSEnabled(); got != tc.tls {
			t.Errorf("%s: TLSEnabled is %v", text(t, tc.cache), got)
		}
		if got := tc.cache.HighlyAvailable(); got != tc.ha {
			t.Errorf("%s: HighlyAvailable is %v", text(t, tc.cache), got)
		}
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
