package kustomize

import (
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/types"
)

// faulty has one fault for each entry of faults, and all are of one run.
const faulty = `apiVersion: registry.extensions.gardener.cloud/v1alpha3
kind: RegistryConfig
metadata:
  name: caches
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: registry-cache-fn
caches:
- upstream: https://docker.io
- upstream: quay.io
  volume:
    size: "0"
- upstream: ghcr.io
  size: 10Gi
- upstream: registry.k8s.io
  secretReferenceName: ""
`

var faults = []string{
	"caches[0].upstream",
	"caches[1].volume.size",
	"caches[2].size",
	"caches[3].secretReferenceName",
}

// TestEveryFaultOnALine: kustomize shows nothing but stderr, so that every fault has a line of its own there, with its
// field path; nothing is printed to stdout, and the exit code is 1.
func TestEveryFaultOnALine(t *testing.T) {
	for _, plugins := range []string{"generators", "transformers"} {
		t.Run(plugins, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "registryconfig.yaml"), faulty)
			write(t, filepath.Join(dir, "kustomization.yaml"), plugins+":\n- registryconfig.yaml\n")
			checkFaults(t, kustomize(t, dir, withFunctions...))
		})
	}
}

// TestFaultsInALowerLayer: the same from a kustomization that has the faulty one among its resources.
func TestFaultsInALowerLayer(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "registryconfig.yaml"), faulty)
	write(t, filepath.Join(dir, "kustomization.yaml"), "generators:\n- registryconfig.yaml\n")
	checkFaults(t, kustomize(t, layer(t, types.Kustomization{Resources: []string{dir}}), withFunctions...))
}

func checkFaults(t *testing.T, got result) {
	t.Helper()
	if got.code != 1 {
		t.Errorf("got exit code %d, want 1", got.code)
	}
	if got.stdout != "" {
		t.Errorf("stdout must be empty, got:\n%s", got.stdout)
	}
	var lines []string
	for line := range strings.Lines(got.stderr) {
		if strings.HasPrefix(line, "[error] ") {
			lines = append(lines, line)
		}
	}
	if len(lines) != len(faults) {
		t.Errorf("stderr must have a line for each of %d faults, got:\n%s", len(faults), got.stderr)
	}
	for _, field := range faults {
		if !strings.Contains(strings.Join(lines, ""), " "+field+": ") {
			t.Errorf("stderr must name %s, got:\n%s", field, got.stderr)
		}
	}
}
