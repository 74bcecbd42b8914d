package golden

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/registry-cache/registry-cache/functions/door"
)

// foreign looks like ours but for one letter of its name, and must come through every run unchanged.
const foreign = `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: registry-docker-i0 # a comment
  namespace: registry-cache
  labels: {app: registry-docker-io, upstream-host: docker.io}
spec:
  volumeClaimTemplates:
  - metadata: {name: cache-volume}
    spec: {resources: {requests: {storage: 1Gi}}}
`

func TestResourceList(t *testing.T) {
	for _, c := range Cases(t) {
		if c.Name == "errors-two-documents" || c.Name == "errors-not-an-object" {
			continue // a ResourceList cannot hold such a functionConfig
		}
		t.Run(c.Name, func(t *testing.T) {
			first, err := runResourceList(t, c.Config, parse(t, c.Input))
			if refused := errors.Is(err, door.ErrRefused); refused != c.Refused() || err != nil && !refused {
				t.Fatalf("got error %v, want the input refused: %t", err, c.Refused())
			}
			checkNoSecret(t, first.stderr)
			if c.Refused() {
				checkRefused(t, c, first)
			}
			if slices.Contains([]string{"minimal", "all-fields-shoot", "credentials-from-the-cluster"}, c.Name) || c.Refused() {
				compare(t, first.text, c.Dir, "resourcelist.yaml")
			}
		})
	}
}

// checkRefused: the items are those of the input, and every result is a line of stderr too.
func checkRefused(t *testing.T, c Case, got resourceList) {
	t.Helper()
	if want := texts(t, parse(t, c.Input)); strings.Join(got.texts(t), "---\n") != strings.Join(want, "---\n") {
		t.Errorf("items must be those of the input, got:\n%s", strings.Join(got.texts(t), "---\n"))
	}
	results, err := got.results.Elements()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n")
	if !strings.HasSuffix(got.stderr, "\n") || len(lines) != len(results) {
		t.Errorf("stderr must have a line for each of the %d results, got:\n%s", len(results), got.stderr)
	}
	checkNoSecret(t, got.results.MustString())
}

// TestRunTwice: a run on its own output changes nothing, and what is not ours stays as it is.
func TestRunTwice(t *testing.T) {
	for _, c := range Cases(t) {
		if c.Refused() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			inputs := append(parse(t, c.Input), parse(t, foreign)...)
			first, err := runResourceList(t, c.Config, inputs)
			if err != nil {
				t.Fatal(err, first.stderr)
			}
			second, err := runResourceList(t, c.Config, first.items)
			if err != nil {
				t.Fatal(err, second.stderr)
			}
			if first.text != second.text {
				t.Errorf("the second run changed the output, from:\n%s\nto:\n%s", first.text, second.text)
			}
			// The first output together with the original inputs, as when a tool keeps both.
			third, err := runResourceList(t, c.Config, append(inputs, generated(first.items)...))
			if err != nil {
				t.Fatal(err, third.stderr)
			}
			if first.text != third.text {
				t.Errorf("a run on its output and the inputs changed the output, from:\n%s\nto:\n%s", first.text, third.text)
			}
			if !strings.Contains(strings.Join(second.texts(t), "---\n"), foreign) {
				t.Errorf("a StatefulSet that is not ours must stay as it is, got:\n%s", second.text)
			}
		})
	}
}

func generated(items []*yaml.RNode) (ours []*yaml.RNode) {
	for _, item := range items {
		if item.GetAnnotations()["functions.registry.extensions.gardener.cloud/generated-by"] != "" {
			ours = append(ours, item)
		}
	}
	return ours
}

type resourceList struct {
	text, stderr string
	items        []*yaml.RNode
	results      *yaml.RNode
}

func (r resourceList) texts(t *testing.T) []string {
	t.Helper()
	return texts(t, r.items)
}

func texts(t *testing.T, nodes []*yaml.RNode) (list []string) {
	t.Helper()
	for _, node := range nodes {
		text, err := node.String()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	return list
}

// runResourceList runs the function as kustomize and kpt do, in-process.
func runResourceList(t *testing.T, config string, items []*yaml.RNode) (resourceList, error) {
	t.Helper()
	var stdin bytes.Buffer
	functionConfig, err := yaml.Parse(config)
	if err != nil {
		t.Fatal(err)
	}
	writer := kio.ByteWriter{
		Writer: &stdin, FunctionConfig: functionConfig, KeepReaderAnnotations: true,
		WrappingKind: kio.ResourceListKind, WrappingAPIVersion: kio.ResourceListAPIVersion,
	}
	if err := writer.Write(items); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, runErr := run(nil, stdin.Bytes())
	reader := kio.ByteReader{Reader: strings.NewReader(stdout), OmitReaderAnnotations: true}
	out, err := reader.Read()
	if err != nil {
		t.Fatalf("stdout must be a ResourceList: %v\n%s", err, stdout)
	}
	if reader.WrappingKind != kio.ResourceListKind {
		t.Fatalf("stdout must be a ResourceList, got:\n%s", stdout)
	}
	return resourceList{text: stdout, stderr: stderr, items: out, results: reader.Results}, runErr
}

func parse(t *testing.T, text string) []*yaml.RNode {
	t.Helper()
	nodes, err := (&kio.ByteReader{Reader: strings.NewReader(text), OmitReaderAnnotations: true}).Read()
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}
