package v1alpha2_test

import (
	"encoding/json"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha2"
)

// TestJSON reads and writes a text with every field of each kind.
func TestJSON(t *testing.T) {
	const head = `"apiVersion":"registry.extensions.gardener.cloud/v1alpha2","caches":`
	for want, into := range map[string]any{
		`{"kind":"RegistryConfig",` + head + `[{"upstream":"a.io","volume":{"size":"20Gi","storageClassName":"fast"},"garbageCollection":{"enabled":true},"secretReferenceName":"s"}]}`: &v1alpha2.RegistryConfig{},
		`{"kind":"RegistryConfig",` + head + `[{"upstream":"a.io"}]}`:                                   &v1alpha2.RegistryConfig{},
		`{"kind":"RegistryStatus",` + head + `[{"upstream":"a.io","endpoint":"http://10.0.0.1:5000"}]}`: &v1alpha2.RegistryStatus{},
	} {
		if err := json.Unmarshal([]byte(want), into); err != nil {
			t.Error(err)
		}
		if got := text(t, into); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
