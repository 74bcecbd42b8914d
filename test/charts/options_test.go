package charts

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestEveryOptionMatters: whatever is in a chart's values.yaml changes what is rendered when it is changed, so no option is
// forgotten by the templates.
func TestEveryOptionMatters(t *testing.T) {
	for _, chart := range folders {
		c := chartCase{chart: chart}
		values := readValues(t, filepath.Join(tool.Root(t), "controller", "charts", chart, "values.yaml"))
		for path, value := range leaves(values) {
			t.Run(chart+"/"+path, func(t *testing.T) {
				fields := strings.Split(path, ".")
				c.values = map[string]any{}
				before := c.render(t)
				if err := unstructured.SetNestedField(c.values, other(path, value), fields...); err != nil {
					t.Fatal(err)
				}
				if cmp.Equal(before, c.render(t)) {
					t.Errorf("%s makes no difference", path)
				}
			})
		}
	}
}

// other returns a value that an option may have beside its default.
func other(path string, value any) any {
	switch path {
	case "projectedKubeconfig":
		return map[string]any{"baseMountPath": "/garden", "genericKubeconfigSecretName": "generic", "tokenSecretName": "token"}
	case "gardener.virtualCluster.serviceAccount":
		return map[string]any{"name": "other", "namespace": "kube-system"}
	case "imageVectorOverwrite":
		return map[string]any{"images": []any{map[string]any{"name": "registry"}}}
	}
	switch value := value.(type) {
	case bool:
		return !value
	case float64:
		return value + 1
	case []any:
		return []any{"other"}
	}
	return "other"
}

// leaves returns all values that are no map, or an empty one, by their paths.
func leaves(values map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range values {
		nested, ok := value.(map[string]any)
		if !ok || len(nested) == 0 {
			out[name] = value
			continue
		}
		for path, leaf := range leaves(nested) {
			out[fmt.Sprintf("%s.%s", name, path)] = leaf
		}
	}
	return out
}
