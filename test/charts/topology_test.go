package charts

import (
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestTrafficDistribution: Kubernetes renamed the value in 1.34.
func TestTrafficDistribution(t *testing.T) {
	path := filepath.Join(tool.Root(t), "controller", "charts", "admission", "runtime")
	values := map[string]any{"service": map[string]any{"topologyAwareRouting": map[string]any{"enabled": true}}}
	for version, want := range map[string]string{"v1.33.4": "PreferClose", "v1.34.0": "PreferSameZone", "v1.36.2": "PreferSameZone"} {
		objects, err := render(version, path, values, "garden")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			if object.GetKind() != "Service" {
				continue
			}
			if got, _, _ := unstructured.NestedString(object.Object, "spec", "trafficDistribution"); got != want {
				t.Errorf("%s: got %q, want %q", version, got, want)
			}
		}
	}
}
