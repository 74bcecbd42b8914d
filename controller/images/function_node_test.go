//go:build node

package images

import (
	"bytes"
	"strings"
	"testing"
)

// The function's image renders a RegistryConfig for kpt, which runs it as nobody with a ResourceList as input.
func TestFunctionImageRenders(t *testing.T) {
	const nobody = "65534"
	command := unpack(t, "registry-cache-fn").command(nobody, "/registry-cache-fn")
	command.Stdin = strings.NewReader(`apiVersion: config.kubernetes.io/v1
kind: ResourceList
items: []
functionConfig:
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  metadata:
    name: caches
  caches:
  - upstream: docker.io
    volume:
      size: 10Gi
`)
	var said bytes.Buffer
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		t.Fatalf("the function must render: %v\n%s%s", err, said.String(), output)
	}
	for _, wanted := range []string{"kind: ResourceList", "kind: StatefulSet", "kind: DaemonSet", "name: registry-docker-io", "registry-1.docker.io"} {
		if !strings.Contains(string(output), wanted) {
			t.Errorf("the output must have %q:\n%s", wanted, output)
		}
	}
}
