// Package kustomize leads the examples, bases, overlays and Components through the real kustomize.
package kustomize

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/test/tool"
)

// withFunctions are the flags that let kustomize run functions.
var withFunctions = []string{"--enable-alpha-plugins", "--enable-exec"}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a program in the repository's root.
func run(t *testing.T, env []string, name string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = tool.Root(t), env, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// kustomize builds a folder, which is absolute or seen from the repository's root.
func kustomize(t *testing.T, dir string, flags ...string) result {
	t.Helper()
	return run(t, tool.Env(t), tool.Path(t, "kustomize"), append([]string{"build", dir}, flags...)...)
}

// build builds a folder that must build, and returns what is printed.
func build(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	r := kustomize(t, dir, flags...)
	if r.code != 0 || r.stdout == "" {
		t.Fatalf("kustomize build %s must print something, got exit code %d and:\n%s%s", dir, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// parse returns the objects in YAML documents.
func parse(t *testing.T, text string) (objects []manifest.Object) {
	t.Helper()
	for document := range strings.SplitSeq(text, "\n---\n") {
		content, err := yaml.YAMLToJSON([]byte(document))
		object := manifest.Object{}
		if err == nil {
			err = utiljson.Unmarshal(content, (*map[string]any)(&object))
		}
		if err != nil {
			t.Fatalf("parsing: %v\n%s", err, document)
		}
		objects = append(objects, object)
	}
	return objects
}

// layer writes a kustomization into a folder of its own and returns the folder. Its paths are absolute, or seen from the
// repository's root; kustomize takes only relative ones.
func layer(t *testing.T, k types.Kustomization) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{k.Resources, k.Components, k.Generators, k.Transformers} {
		for i, path := range paths {
			paths[i] = relative(t, dir, path)
		}
	}
	text, err := yaml.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "kustomization.yaml"), string(text))
	return dir
}

func relative(t *testing.T, dir, path string) string {
	t.Helper()
	if !filepath.IsAbs(path) {
		path = filepath.Join(tool.Root(t), path)
	}
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	if path, err = filepath.Rel(dir, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// read returns the content of a file, whose path is seen from the repository's root.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tool.Root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// folders returns the folders in a folder of the repository.
func folders(t *testing.T, dir string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(tool.Root(t), dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			paths = append(paths, filepath.Join(dir, entry.Name()))
		}
	}
	if len(paths) == 0 {
		t.Fatalf("no folder found in %s", dir)
	}
	return paths
}

// canonical returns a value as JSON with sorted keys.
func canonical(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// find returns the only object of a kind with this name.
func find(t *testing.T, objects []manifest.Object, kind, name string) manifest.Object {
	t.Helper()
	var found manifest.Object
	for _, o := range objects {
		if o.Kind() != kind || o.Name() != name {
			continue
		}
		if found != nil {
			t.Fatalf("found two objects %s %s", kind, name)
		}
		found = o
	}
	if found == nil {
		t.Fatalf("found no %s %s", kind, name)
	}
	return found
}

// ofKind returns the objects of a kind.
func ofKind(objects []manifest.Object, kind string) (found []manifest.Object) {
	for _, o := range objects {
		if o.Kind() == kind {
			found = append(found, o)
		}
	}
	return found
}
