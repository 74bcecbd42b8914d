package v1alpha3_test

import (
	"encoding/json"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// everyField is a cache that leaves nothing to defaults.
const everyField = `{"upstream":"a.io","remoteURL":"https://b.io","volume":{"size":"20Gi","storageClassName":"fast"},` +
	`"garbageCollection":{"ttl":"336h0m0s"},"secretReferenceName":"s","proxy":{"httpProxy":"http://p","httpsProxy":"https://p"},` +
	`"http":{"tls":false},"highAvailability":{"enabled":true},"serviceNameSuffix":"x"}`

// TestJSON reads and writes a text with every field of each kind, and the least of each. The forms of RegistryStatus are
// what running landscapes hold (COMPAT 1.15).
func TestJSON(t *testing.T) {
	const head = `"apiVersion":"registry.extensions.gardener.cloud/v1alpha3",`
	for want, into := range map[string]any{
		`{"kind":"RegistryConfig",` + head + `"caches":[` + everyField + `]}`:  &v1alpha3.RegistryConfig{},
		`{"kind":"RegistryConfig",` + head + `"caches":[{"upstream":"a.io"}]}`: &v1alpha3.RegistryConfig{},
		`{"kind":"RegistryStatus",` + head + `"caSecretName":"ca-extension-registry-cache-bundle-1a2b","caches":[` +
			`{"upstream":"docker.io","endpoint":"https://10.4.0.10:5000","remoteURL":"https://registry-1.docker.io"}]}`: &v1alpha3.RegistryStatus{},
		`{"kind":"RegistryStatus",` + head + `"caches":[]}`: &v1alpha3.RegistryStatus{},
	} {
		if err := json.Unmarshal([]byte(want), into); err != nil {
			t.Error(err)
		}
		if got := text(t, into); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestEmptyStructsSurvive: "http: {}" is not the same as no http, so neither reading nor writing may lose it.
func TestEmptyStructsSurvive(t *testing.T) {
	const want = `{"upstream":"a.io","volume":{},"garbageCollection":{},"proxy":{},"http":{}}`
	cache := v1alpha3.RegistryCache{}
	if err := json.Unmarshal([]byte(want), &cache); err != nil {
		t.Fatal(err)
	}
	if got := text(t, cache); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
