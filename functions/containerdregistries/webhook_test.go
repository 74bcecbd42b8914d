package containerdregistries_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/door"
)

// realistic returns an OperatingSystemConfig as large as Gardener's: 60 files of 5 KiB, 12 units, 6 registries.
func realistic(tb testing.TB) []byte {
	tb.Helper()
	var files, units, registries []any
	for i := range 60 {
		content := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{byte(i), 'x'}, 1900))
		files = append(files, map[string]any{
			"path": fmt.Sprintf("/var/lib/file-%d", i), "permissions": 420,
			"content": map[string]any{"inline": map[string]any{"encoding": "b64", "data": content}},
		})
	}
	for i := range 12 {
		units = append(units, map[string]any{"name": fmt.Sprintf("unit-%d.service", i), "enable": true, "content": strings.Repeat("# line\n", 100)})
	}
	for _, upstream := range []string{"gcr.io", "docker.io", "_default", "quay.io", "ghcr.io", "r.io"} {
		registries = append(registries, map[string]any{"upstream": upstream, "readinessProbe": true, "hosts": []any{map[string]any{"url": "https://old"}}})
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "extensions.gardener.cloud/v1alpha1", "kind": "OperatingSystemConfig",
		"metadata": map[string]any{"name": "pool", "annotations": map[string]any{"gardener.cloud/operation": "reconcile"}},
		"spec": map[string]any{
			"purpose": "reconcile", "files": files, "units": units,
			"criConfig": map[string]any{"name": "containerd", "containerd": map[string]any{"sandboxImage": "pause", "registries": registries}},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

const realisticConfig = nodes +
	"- {upstream: docker.io, server: https://registry-1.docker.io, probe: true, hosts: [{url: http://10.4.0.10:5000}]}\n" +
	"- {upstream: ghcr.io, server: https://ghcr.io, probe: true, hosts: [{url: http://10.4.0.11:5000}]}\n" +
	"- {upstream: quay.io, server: https://quay.io, hosts: [{url: https://mirror.example}]}\n" +
	"- {upstream: k8s.io, server: https://k8s.io, hosts: [{url: https://mirror.example}]}\n"

// TestBothWaysAreOne: the JSON Patch that a webhook makes of what it owns gives the same OperatingSystemConfig as the command
// line, which changes YAML nodes in place; also when an earlier run left things, and when nothing is left of a list.
func TestBothWaysAreOne(t *testing.T) {
	full := realistic(t)
	used := apply(t, desired(t, realisticConfig), full)
	for name, test := range map[string]struct {
		config string
		osc    []byte
	}{
		"realistic":                   {realisticConfig, full},
		"second run":                  {realisticConfig, used},
		"cache gone":                  {nodes + cache("ghcr.io", "http://10.4.0.12:5000"), used},
		"only a mirror left":          {nodes + mirror("k8s.io", "https://other.example"), used},
		"mirrors beside":              {mirrors + hostOf("r.io:5000", "https://mirror.example"), used},
		"no lists":                    {nodes + cache("ghcr.io", "http://[fd00::1]:5000") + mirror("k8s.io", "https://m"), osc(t, containerd)},
		"empty lists":                 {nodes + cache("ghcr.io", "http://h:5000"), osc(t, "  files: []\n  units: null\n"+containerd+"      registries: []\n")},
		"all registries are replaced": {nodes + cache("a.io", "http://h:5000"), osc(t, containerd+"      registries: [{upstream: a.io}]\n")},
		"entries that are there twice": {
			nodes + mirror("a.io", "https://m"),
			osc(t, containerd+"      registries: [{upstream: a.io}, {upstream: b.io}, {upstream: a.io}, {upstream: c.io}]\n"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			webhook := canonical(t, apply(t, desired(t, test.config), test.osc))
			if diff := cmp.Diff(webhook, canonical(t, throughCommandLine(t, test.config, test.osc))); diff != "" {
				t.Errorf("the command line and the webhook differ (-webhook +command line):\n%s", diff)
			}
		})
	}
}

// throughCommandLine renders a patched OperatingSystemConfig, which is a file of YAML in block style.
func throughCommandLine(t *testing.T, config string, osc []byte) []byte {
	t.Helper()
	block, err := yaml.JSONToYAML(osc)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{filepath.Join(dir, "config.yaml"), filepath.Join(dir, "osc.yaml")}
	for i, text := range []string{config, string(block)} {
		if err := os.WriteFile(args[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	command := door.Command(nil, &stdout, &stderr)
	command.SetArgs(args)
	if err := command.Execute(); err != nil {
		t.Fatal(err, stderr.String())
	}
	text, err := yaml.YAMLToJSON(stdout.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestWebhookNotesNothing: without an owner the result is the same but for the annotation, which a webhook has no use for.
func TestWebhookNotesNothing(t *testing.T) {
	d := desired(t, realisticConfig)
	noted := apply(t, d, realistic(t))
	d.Owner = ""
	var want, got map[string]any
	if err := json.Unmarshal(noted, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(apply(t, d, realistic(t)), &got); err != nil {
		t.Fatal(err)
	}
	annotations := want["metadata"].(map[string]any)["annotations"].(map[string]any)
	if annotations[containerdregistries.OwnedAnnotation] == nil {
		t.Error("an owner must be noted")
	}
	delete(annotations, containerdregistries.OwnedAnnotation)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("more than the annotation differs (-with owner +without):\n%s", diff)
	}
}

// TestPatchIsSmall: the patch holds what is ours and nothing of the OperatingSystemConfig.
func TestPatchIsSmall(t *testing.T) {
	operations := plan(t, desired(t, realisticConfig), realistic(t))
	var paths []string
	for _, o := range operations {
		paths = append(paths, o.Op+" "+o.Path)
	}
	want := []string{
		"add /spec/files/-", "add /spec/units/-",
		"replace /spec/criConfig/containerd/registries/3",
		"remove /spec/criConfig/containerd/registries/4", "remove /spec/criConfig/containerd/registries/1",
		"add /spec/criConfig/containerd/registries/-",
		"add /metadata/annotations/functions.registry.extensions.gardener.cloud~1containerd-registries",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("operations differ (-want +got):\n%s", diff)
	}
}

// TestOtherPurposesStay: what only boots a machine is not changed.
func TestOtherPurposesStay(t *testing.T) {
	text := bytes.Replace(realistic(t), []byte(`"purpose":"reconcile"`), []byte(`"purpose":"provision"`), 1)
	if operations := plan(t, desired(t, realisticConfig), text); len(operations) != 0 {
		t.Errorf("an OperatingSystemConfig of purpose provision must stay, got %v", operations)
	}
}

// BenchmarkWebhook measures what a webhook does for one OperatingSystemConfig of 300 KiB, and DesiredOf apart, which it does
// once for all.
func BenchmarkWebhook(b *testing.B) {
	text, d := realistic(b), desired(b, realisticConfig)
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := json.Marshal(plan(b, d, text)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nodes", func(b *testing.B) { // for comparison: only to parse it into nodes
		b.ReportAllocs()
		for b.Loop() {
			if _, err := kyaml.Parse(string(text)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("desired", func(b *testing.B) {
		config := parse(b, realisticConfig)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := containerdregistries.DesiredOf(config, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
