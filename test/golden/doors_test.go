package golden

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/containerdregistries/patch"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
	"github.com/registry-cache/registry-cache/test/tool"
)

// TestThreeDoors: the same input gives the same objects through the Go API, which the controller calls, the real
// kustomize and the real kpt. Same means identical bytes of canonical JSON, without what tools annotate and without what
// came in and stays. What the Go API answers for an item to change, a JSON Patch, is applied to it as an API server does.
func TestThreeDoors(t *testing.T) {
	for _, c := range Cases(t) {
		if c.Refused() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			config := forTools(t, c.Config)
			inputs := parse(t, c.Input)
			want := canonical(t, inputs, throughAPI(t, config, inputs))
			if want == "" {
				t.Fatal("the Go API generated nothing")
			}
			for name, door := range map[string]func(*testing.T, string, string) []*yaml.RNode{
				"the command line": throughCommandLine, "kustomize": throughKustomize, "kpt": throughKpt,
			} {
				if diff := cmp.Diff(want, canonical(t, inputs, objects(t, door(t, config, c.Input)))); diff != "" {
					t.Errorf("%s and the Go API differ (-API +%s):\n%s", name, name, diff)
				}
			}
		})
	}
}

// forTools gives the config what kustomize demands of one: a name, and the annotation that names the function.
func forTools(t *testing.T, config string) string {
	t.Helper()
	node := yaml.MustParse(config)
	if node.GetName() == "" {
		if err := node.SetName("caches"); err != nil {
			t.Fatal(err)
		}
	}
	annotations := node.GetAnnotations()
	annotations["config.kubernetes.io/function"] = "exec:\n  path: registry-cache-fn\n"
	annotations["config.kubernetes.io/local-config"] = "true"
	if err := node.SetAnnotations(annotations); err != nil {
		t.Fatal(err)
	}
	return node.MustString()
}

func throughAPI(t *testing.T, text string, inputs []*yaml.RNode) []manifest.Object {
	t.Helper()
	config, err := input.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(config, objects(t, inputs))
	if err != nil {
		t.Fatal(err)
	}
	list := out.Objects
	for _, change := range out.Patches {
		list = append(list, patched(t, objects(t, inputs)[change.Item], change.Operations))
	}
	return list
}

func patched(t *testing.T, object manifest.Object, operations []patch.Operation) (changed manifest.Object) {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	operationsText, err := json.Marshal(operations)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(operationsText)
	if err == nil {
		text, err = decoded.Apply(text)
	}
	if err == nil {
		err = utiljson.Unmarshal(text, (*map[string]any)(&changed))
	}
	if err != nil {
		t.Fatalf("applying %s: %v", operationsText, err)
	}
	return changed
}

func throughCommandLine(t *testing.T, config, input string) []*yaml.RNode {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "config.yaml", config)
	write(t, dir, "input.yaml", input)
	return parse(t, runTool(t, dir, "registry-cache-fn", "config.yaml", "input.yaml"))
}

func throughKustomize(t *testing.T, config, input string) []*yaml.RNode {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "config.yaml", config)
	kustomization := "generators: [config.yaml]\n"
	if input != "" {
		write(t, dir, "input.yaml", input)
		kustomization = "resources: [input.yaml]\ntransformers: [config.yaml]\n"
	}
	write(t, dir, "kustomization.yaml", kustomization)
	return parse(t, runTool(t, dir, "kustomize", "build", "--enable-alpha-plugins", "--enable-exec", "."))
}

func throughKpt(t *testing.T, config, input string) []*yaml.RNode {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Kptfile", `apiVersion: kpt.dev/v1
kind: Kptfile
metadata:
  name: case
pipeline:
  mutators:
  - exec: registry-cache-fn
    configPath: config.yaml
`)
	write(t, dir, "config.yaml", config)
	if input != "" {
		write(t, dir, "input.yaml", input)
	}
	runTool(t, dir, "kpt", "fn", "render", "--allow-exec", ".")
	var nodes []*yaml.RNode
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".yaml") && entry.Name() != "config.yaml" {
			nodes = append(nodes, parse(t, read(t, path))...)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// runTool runs one of the real programs and returns its stdout.
func runTool(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(tool.Path(t, name), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, tool.Env(t), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s failed: %v\n%s", name, err, stderr.String())
	}
	return stdout.String()
}

// canonical returns the objects as lines of JSON with sorted keys, in a fixed order.
func canonical(t *testing.T, inputs []*yaml.RNode, list []manifest.Object) string {
	t.Helper()
	in := map[manifest.ID]string{}
	for _, object := range objects(t, inputs) {
		in[object.ID()] = line(t, object)
	}
	var lines []string
	for _, object := range list {
		input, isInput := in[object.ID()]
		changed := object.Kind() == "OperatingSystemConfig" && input != line(t, object)
		if isInput && !changed || object.Annotation("config.kubernetes.io/local-config") == "true" {
			continue
		}
		lines = append(lines, line(t, object))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func line(t *testing.T, object manifest.Object) string {
	t.Helper()
	object = object.DeepCopy()
	annotations := manifest.Ensure(object, "metadata", "annotations")
	for key := range annotations {
		if strings.HasPrefix(key, "config.kubernetes.io/") || strings.HasPrefix(key, "internal.config.kubernetes.io/") {
			delete(annotations, key)
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	id := object.ID()
	return strings.Join([]string{object.APIVersion(), id.Kind, id.Namespace, id.Name, string(text)}, " ")
}

func objects(t *testing.T, nodes []*yaml.RNode) (list []manifest.Object) {
	t.Helper()
	for _, node := range nodes {
		text, err := node.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		object := manifest.Object{}
		if err := utiljson.Unmarshal(text, (*map[string]any)(&object)); err != nil {
			t.Fatal(err)
		}
		list = append(list, object)
	}
	return list
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
