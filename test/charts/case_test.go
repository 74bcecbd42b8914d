package charts

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/test/tool"
)

// folders are the charts, by their folders in controller/charts.
var folders = []string{"gardener-extension-registry-cache", "admission/runtime", "admission/application"}

// namespaces are where Gardener installs them.
var namespaces = map[string]string{
	"gardener-extension-registry-cache": "extension-extension-registry-cache-x7k2p",
	"admission/runtime":                 "garden",
	"admission/application":             "extension-extension-registry-cache",
}

// chartCase is a values file for a chart: testdata/<chart>/<name>/values.yaml, and expected.yaml beside it.
type chartCase struct {
	chart, name, dir string
	values           map[string]any
}

// path is the folder of the case's chart.
func (c chartCase) path(t testing.TB) string {
	t.Helper()
	return filepath.Join(tool.Root(t), "controller", "charts", c.chart)
}

// render renders the case's chart.
func (c chartCase) render(t testing.TB) []*unstructured.Unstructured {
	t.Helper()
	objects, err := Render(c.path(t), c.values, namespaces[c.chart])
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) == 0 {
		t.Fatal("nothing was rendered")
	}
	return objects
}

// eachCase runs a test for every values file of every chart; one of them, "default", is empty.
func eachCase(t *testing.T, test func(*testing.T, chartCase)) {
	t.Helper()
	for _, chart := range folders {
		files, err := filepath.Glob(filepath.Join("testdata", chart, "*", "values.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("chart %q has %d cases: %v", chart, len(files), err)
		}
		for _, file := range files {
			c := chartCase{chart: chart, name: filepath.Base(filepath.Dir(file)), dir: filepath.Dir(file)}
			t.Run(chart+"/"+c.name, func(t *testing.T) {
				c.values = readValues(t, file)
				test(t, c)
			})
		}
	}
}

func readValues(t testing.TB, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.UnmarshalStrict(text, &values); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return values
}
