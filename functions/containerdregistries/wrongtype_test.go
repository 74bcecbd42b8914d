package containerdregistries_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// TestWrongTypesAreNamed: an OperatingSystemConfig that is none is refused with the field that is wrong.
func TestWrongTypesAreNamed(t *testing.T) {
	for want, spec := range map[string]map[string]any{
		"must be an OperatingSystemConfig: spec.files must not be a object":      {"files": map[string]any{}},
		"must be an OperatingSystemConfig: spec.files.path must not be a number": {"files": []any{map[string]any{"path": 1}}},
		"must be an OperatingSystemConfig: spec.units.name must not be a bool":   {"units": []any{map[string]any{"name": true}}},
		"must be an OperatingSystemConfig: spec.criConfig.containerd.registries.upstream must not be a array": {
			"criConfig": map[string]any{"containerd": map[string]any{"registries": []any{map[string]any{"upstream": []any{}}}}},
		},
	} {
		item := manifest.Object{"apiVersion": "extensions.gardener.cloud/v1alpha1", "kind": "OperatingSystemConfig", "spec": spec}
		_, _, list, err := containerdregistries.Render(parse(t, nodes+cache("a.io", "http://h:5000")), []manifest.Object{item})
		if err != nil || len(list) == 0 || list[0].Message != want {
			t.Errorf("want %s, got %v, %v", want, list, err)
		}
	}
}
