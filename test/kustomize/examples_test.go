package kustomize

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/test/rendered"
	"github.com/registry-cache/registry-cache/test/schema"
	"github.com/registry-cache/registry-cache/test/tool"
)

const examplesFolder = "functions/examples"

var update = flag.Bool("update", false, "write the expected output of the examples anew")

// examples maps each example's folder to the folder that is built: itself, or the user's layer in it.
func examples(t *testing.T) map[string]string {
	t.Helper()
	builds := map[string]string{}
	for _, dir := range folders(t, examplesFolder) {
		if !strings.HasPrefix(filepath.Base(dir), "kustomize-") {
			continue
		}
		builds[dir] = dir
		if _, err := os.Stat(filepath.Join(tool.Root(t), dir, "user")); err == nil {
			builds[dir] = filepath.Join(dir, "user")
		}
	}
	return builds
}

// TestExamples: what each example prints is in its expected.yaml, without the scripts. "go test ./test/kustomize -update" writes the files
// anew; read the difference before you commit it.
func TestExamples(t *testing.T) {
	for dir, built := range examples(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			got := rendered.WithoutScripts(build(t, built, withFunctions...))
			path := filepath.Join(dir, "expected.yaml")
			if *update {
				write(t, filepath.Join(tool.Root(t), path), got)
			}
			if diff := cmp.Diff(read(t, path), got); diff != "" {
				t.Errorf("%s differs (-expected +got), see -update:\n%s", path, diff)
			}
			checkSound(t, parse(t, got))
		})
	}
}

// TestExamplesShowTheirCommand: the README of an example has the command that the test runs.
func TestExamplesShowTheirCommand(t *testing.T) {
	for dir, built := range examples(t) {
		command := "\nkustomize build " + strings.Join(withFunctions, " ") + " " + built + "\n"
		if !strings.Contains(read(t, filepath.Join(dir, "README.md")), command) {
			t.Errorf("%s/README.md must have the command:%s", dir, command)
		}
	}
}

var schemaComment = regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)

// TestExamplesNameTheirSchema: an editor finds the schema of every config, and the config satisfies it.
func TestExamplesNameTheirSchema(t *testing.T) {
	root := tool.Root(t)
	configs, err := filepath.Glob(filepath.Join(root, examplesFolder, "kustomize-*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := filepath.Glob(filepath.Join(root, examplesFolder, "kustomize-*", "*", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, path := range append(configs, layers...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) == "expected.yaml" || !strings.Contains(string(text), "config.kubernetes.io/function:") {
			continue
		}
		checked++
		checkSchema(t, path, text)
	}
	if checked < len(examples(t)) {
		t.Errorf("found %d configs in %d examples", checked, len(examples(t)))
	}
}

func checkSchema(t *testing.T, path string, text []byte) {
	t.Helper()
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &head); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := schema.Validate(head.APIVersion, head.Kind, text); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	match := schemaComment.FindSubmatch(text)
	if match == nil {
		t.Errorf("%s must name its schema on the first line", path)
		return
	}
	want := strings.ToLower(head.Kind) + "-" + filepath.Base(head.APIVersion) + ".json"
	if got := filepath.Base(string(match[1])); got != want {
		t.Errorf("%s must name the schema %s, got %s", path, want, got)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), string(match[1]))); err != nil {
		t.Errorf("%s: the schema that it names: %v", path, err)
	}
}
