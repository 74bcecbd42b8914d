package kustomize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/tool"
)

const script = "functions/examples/render.sh"

// TestScriptRenders: what the script prints is what kustomize prints.
func TestScriptRenders(t *testing.T) {
	for _, dir := range examples(t) {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			got := run(t, tool.Env(t), filepath.Join(tool.Root(t), script), dir)
			if want := build(t, dir, withFunctions...); got != (result{stdout: want}) {
				t.Errorf("the script must print what kustomize prints, got %+v", got)
			}
		})
	}
}

// TestScriptFails: the script prints nothing to stdout and fails if no cache comes out, for whatever reason.
func TestScriptFails(t *testing.T) {
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n"
	for name, kustomize := range map[string]string{
		"kustomize prints nothing":      "exit 0",
		"kustomize prints a newline":    "echo",
		"kustomize prints other things": "cat <<'E'\n" + other + "E",
		"kustomize fails":               "echo sorry >&2; exit 1",
		"kustomize prints and fails":    "echo functions.registry.extensions.gardener.cloud/generated-by: x; echo sorry >&2; exit 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			program := filepath.Join(dir, "kustomize")
			write(t, program, "#!/bin/sh\n"+kustomize+"\n")
			if err := os.Chmod(program, 0o700); err != nil {
				t.Fatal(err)
			}
			env := append(tool.Env(t), "PATH="+dir+":"+os.Getenv("PATH"))
			got := run(t, env, filepath.Join(tool.Root(t), script), "functions/examples/kustomize-minimal")
			if got.code != 1 || got.stdout != "" || got.stderr == "" {
				t.Errorf("the script must fail and say why, got %+v", got)
			}
		})
	}
}

// TestScriptNeedsAFolder: a mistake on the command line is one, and not a build of the current folder.
func TestScriptNeedsAFolder(t *testing.T) {
	for _, args := range [][]string{nil, {"one", "two"}} {
		got := run(t, tool.Env(t), filepath.Join(tool.Root(t), script), args...)
		if got.code != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "usage: ") {
			t.Errorf("the script must show its usage, got %+v", got)
		}
	}
}
