// Package monitoring proves what bases/monitoring gives to Prometheus and Plutono: the rules at work, the relabelling of what
// is discovered, the dashboard's queries, and that the metrics they use are those that Gardener keeps.
package monitoring

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/monitoring"
	"github.com/registry-cache/registry-cache/test/tool"
)

const (
	namespace = "shoot--local--local"
	caSecret  = "ca-bundle-1a2b3c4d"
)

// object returns the only rendered object of a kind.
func object(t *testing.T, kind string) manifest.Object {
	t.Helper()
	objects, err := monitoring.Render(monitoring.Values{Namespace: namespace, CASecretName: caSecret})
	if err != nil {
		t.Fatal(err)
	}
	var found manifest.Object
	for _, o := range objects {
		if o.Kind() != kind {
			continue
		}
		if found != nil {
			t.Fatalf("more than one %s is rendered", kind)
		}
		found = o
	}
	if found == nil {
		t.Fatalf("no %s is rendered", kind)
	}
	return found
}

// decode reads an object strictly into a type of an API.
func decode(t *testing.T, from manifest.Object, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict(marshal(t, from), into); err != nil {
		t.Fatal(err)
	}
}

// rules returns the rules as a file of Prometheus, whose form is that of a PrometheusRule's spec.
func rules(t *testing.T) []byte {
	t.Helper()
	return marshal(t, object(t, "PrometheusRule")["spec"])
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// promtool runs promtool and returns what it prints to stdout. The test fails if promtool does.
func promtool(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), tool.Path(t, "promtool"), args...)
	command.Stderr = &stderr
	stdout, err := command.Output()
	if err != nil {
		t.Fatalf("promtool %v: %v\n%s%s", args, err, stdout, stderr.String())
	}
	return stdout
}
