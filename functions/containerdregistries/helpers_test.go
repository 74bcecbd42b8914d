package containerdregistries_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/containerdregistries"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/patch"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

const nodes = `apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: ContainerdRegistries
metadata:
  name: nodes
platform: shoot
registries:
`

const mirrors = `apiVersion: mirror.extensions.gardener.cloud/v1alpha1
kind: MirrorConfig
metadata:
  name: mirrors
mirrors:
`

// cache and mirror are registries of a ContainerdRegistries, hostOf a mirror of a MirrorConfig.
func cache(upstream, endpoint string) string {
	return fmt.Sprintf("- upstream: %s\n  server: https://%s\n  probe: true\n  hosts:\n  - url: %s\n", upstream, upstream, endpoint)
}

func mirror(upstream, url string) string {
	return fmt.Sprintf("- upstream: %s\n  server: https://%s\n  hosts:\n  - url: %s\n", upstream, upstream, url)
}

func hostOf(upstream, url string) string {
	return fmt.Sprintf("- upstream: %s\n  hosts:\n  - host: %s\n", upstream, url)
}

func parse(tb testing.TB, text string) input.Config {
	tb.Helper()
	config, err := input.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return config
}

// desired returns what a config of the command line wants: it notes what is its own.
func desired(tb testing.TB, text string, items ...manifest.Object) *containerdregistries.Desired {
	tb.Helper()
	config := parse(tb, text)
	d, err := containerdregistries.DesiredOf(config, items)
	if err != nil {
		tb.Fatal(err)
	}
	d.Owner = config.Mark()
	return d
}

// osc returns the JSON of an OperatingSystemConfig of purpose reconcile with more below its spec.
func osc(tb testing.TB, spec string) []byte {
	tb.Helper()
	text, err := yaml.YAMLToJSON([]byte(`apiVersion: extensions.gardener.cloud/v1alpha1
kind: OperatingSystemConfig
metadata:
  name: pool
spec:
  purpose: reconcile
` + spec))
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

const containerd = "  criConfig:\n    name: containerd\n    containerd:\n      sandboxImage: pause\n"

func plan(tb testing.TB, d *containerdregistries.Desired, text []byte) []patch.Operation {
	tb.Helper()
	view, err := containerdregistries.ViewOf(text)
	if err != nil {
		tb.Fatal(err)
	}
	operations, err := containerdregistries.Plan(d, view)
	if err != nil {
		tb.Fatal(err)
	}
	return operations
}

// planFails returns why a plan is refused.
func planFails(tb testing.TB, d *containerdregistries.Desired, text []byte) string {
	tb.Helper()
	view, err := containerdregistries.ViewOf(text)
	if err != nil {
		tb.Fatal(err)
	}
	operations, err := containerdregistries.Plan(d, view)
	if err == nil {
		tb.Fatalf("got %v, want faults", operations)
	}
	return err.Error()
}

// apply applies the plan as an API server applies a webhook's answer.
func apply(tb testing.TB, d *containerdregistries.Desired, text []byte) []byte {
	tb.Helper()
	operations := plan(tb, d, text)
	if len(operations) == 0 {
		return text
	}
	encoded, err := json.Marshal(operations)
	if err != nil {
		tb.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(encoded)
	if err == nil {
		text, err = decoded.Apply(text)
	}
	if err != nil {
		tb.Fatalf("applying %s: %v", encoded, err)
	}
	return text
}

// canonical returns an OperatingSystemConfig's JSON with sorted keys.
func canonical(tb testing.TB, text []byte) string {
	tb.Helper()
	var value map[string]any
	if err := json.Unmarshal(text, &value); err != nil {
		tb.Fatal(err)
	}
	sorted, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		tb.Fatal(err)
	}
	return string(sorted)
}

// keys returns the upstreams, paths or names in a list of an OperatingSystemConfig, in their order.
func keys(tb testing.TB, text []byte) string {
	tb.Helper()
	view, err := containerdregistries.ViewOf(text)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Join(view.Files.Keys, " ") + " | " + strings.Join(view.Units.Keys, " ") + " | " + strings.Join(view.Registries.Keys, " ")
}
