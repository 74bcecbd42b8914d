package charts

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden: each values file renders what its expected.yaml says. Names, selectors and labels of the first release are in
// there; those that running landscapes cannot change are told by comments in the templates.
func TestGolden(t *testing.T) {
	eachCase(t, func(t *testing.T, c chartCase) {
		var got bytes.Buffer
		for _, object := range c.render(t) {
			text, err := yaml.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString("---\n")
			got.Write(text)
		}
		file := filepath.Join(c.dir, "expected.yaml")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
