package monitoring

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRules runs the unit tests of alerts, recording rules and panels with Prometheus' own promtool.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests of rules found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir() // a test file names the rules relative to itself
			write(t, filepath.Join(dir, "rules.yaml"), rules(t))
			write(t, filepath.Join(dir, "test.yaml"), text)
			write(t, filepath.Join(dir, "panels.yaml"), marshal(t, panelRules(t)))
			promtool(t, "test", "rules", filepath.Join(dir, "test.yaml"))
		})
	}
}
