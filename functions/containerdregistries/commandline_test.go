package containerdregistries_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/door"
)

// run runs the command line on a config and an item.
func run(t *testing.T, config, item string, more ...string) (stdout, stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	args := []string{filepath.Join(dir, "config.yaml"), filepath.Join(dir, "item.yaml")}
	for i, text := range []string{config, item} {
		if err := os.WriteFile(args[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, problems bytes.Buffer
	command := door.Command(nil, &out, &problems)
	command.SetArgs(append(args, more...))
	err = command.Execute()
	return out.String(), problems.String(), err
}

// TestNothingToPatch: that nothing comes of a config is said.
func TestNothingToPatch(t *testing.T) {
	const other = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n"
	stdout, stderr, err := run(t, nodes+cache("a.io", "http://h:5000"), other)
	if err != nil || stdout != other || !strings.Contains(stderr, "[warning]") || !strings.Contains(stderr, "nothing is configured") {
		t.Errorf("got %v, %s, %s", err, stdout, stderr)
	}
}

// TestOutputFolder: -o has no place for items, so it is refused.
func TestOutputFolder(t *testing.T) {
	_, _, err := run(t, nodes+cache("a.io", "http://h:5000"), string(osc(t, containerd)), "-o", filepath.Join(t.TempDir(), "out"))
	if err == nil || !strings.Contains(err.Error(), "leave -o out") {
		t.Errorf("got %v", err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	standalone := strings.Replace(nodes, "platform: shoot", "platform: standalone", 1)
	if _, stderr, err := run(t, standalone+cache("a.io", "http://h:5000"), "", "-o", dir); err != nil {
		t.Fatal(err, stderr)
	}
	if kustomization := read(t, dir, "kustomization.yaml"); !strings.Contains(kustomization, "- registry-cache-node-configurator-registries-nodes/daemonset.yaml\n") {
		t.Errorf("the node configurator must be written, got:\n%s", kustomization)
	}
}

// TestStyleStays: an item's comments, order and quotes stay, also beside what is added.
func TestStyleStays(t *testing.T) {
	const before = `# of the whole
apiVersion: extensions.gardener.cloud/v1alpha1
kind: OperatingSystemConfig
metadata: # behind
  name: pool
spec:
  purpose: "reconcile"
  criConfig:
    containerd: {sandboxImage: 'pause', registries: [{upstream: b.io}]}
  units:
  # above
  - name: other.service
    content: |-
      # not YAML's comment
      [Unit]
  files: # of files
  - path: /f # of one
    permissions: 0644
`
	stdout, stderr, err := run(t, nodes+cache("a.io", "http://h:5000"), before)
	if err != nil {
		t.Fatal(err, stderr)
	}
	lines := strings.Split(stdout, "\n")
	for want := range strings.Lines(before) {
		for len(lines) > 0 && lines[0] != strings.TrimSuffix(want, "\n") {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			t.Fatalf("the line %q must stay, in its place, got:\n%s", want, stdout)
		}
	}
}

// TestAliases: what is shared with another place would change there too, so it is refused, and nothing is printed.
func TestAliases(t *testing.T) {
	const anchor, alias = "&files [{path: /f}]", "*files"
	for _, order := range [][2]string{{anchor, alias}, {alias, anchor}} {
		text := "apiVersion: extensions.gardener.cloud/v1alpha1\nkind: OperatingSystemConfig\nmetadata: {name: pool}\n"
		parts := []string{"spec:\n  purpose: reconcile\n  files: " + order[0] + "\n", "status:\n  extensionFiles: " + order[1] + "\n"}
		if order[0] == alias {
			slices.Reverse(parts)
		}
		stdout, stderr, err := run(t, nodes+cache("a.io", "http://h:5000"), text+strings.Join(parts, ""))
		if err == nil || stdout != "" || !strings.Contains(stderr, "must not be a YAML anchor or alias") {
			t.Errorf("got %v, %s, %s", err, stdout, stderr)
		}
	}
}
