package golden

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestRemarksAtEveryDoor: what stops nothing is said wherever the function runs, with its severity, and the output is whole.
func TestRemarksAtEveryDoor(t *testing.T) {
	for _, c := range Cases(t) {
		if c.Name != "credentials-from-the-cluster" {
			continue
		}
		config := forTools(t, c.Config)
		for _, door := range []struct {
			name string
			args []string
		}{
			{"registry-cache-fn", []string{"config.yaml", "input.yaml"}},
			{"kustomize", []string{"build", "--enable-alpha-plugins", "--enable-exec", "."}},
			{"kpt", []string{"fn", "render", "--allow-exec", "."}},
		} {
			t.Run(door.name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, "config.yaml", config)
				write(t, dir, "input.yaml", c.Input)
				if door.name == "kpt" {
					write(t, dir, "Kptfile", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: case\npipeline:\n  mutators:\n"+
						"  - exec: registry-cache-fn\n    configPath: config.yaml\n")
				} else {
					write(t, dir, "kustomization.yaml", "resources: [input.yaml]\ntransformers: [config.yaml]\n")
				}
				cmd := exec.Command(tool.Path(t, door.name), door.args...)
				cmd.Dir, cmd.Env = dir, tool.Env(t)
				said, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				results, _, _ := strings.Cut(string(said), "Stderr:") // kpt shows the same lines again
				for mark, want := range map[string]int{"[info]": 3, "[warning]": 1} {
					if got := strings.Count(results, mark); got != want {
						t.Errorf("want %d lines with %s, got %d:\n%s", want, mark, got, said)
					}
				}
			})
		}
	}
}
