package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

func parse(tb testing.TB, text string) input.Config {
	tb.Helper()
	config, err := input.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return config
}

const private = `
apiVersion: functions.registry.extensions.gardener.cloud/v1alpha1
kind: RegistryCaches
platform: shoot
registryConfig:
  apiVersion: registry.extensions.gardener.cloud/v1alpha3
  kind: RegistryConfig
  caches:
  - upstream: docker.io
    secretReferenceName: credentials
    http:
      tls: false
`

func credentials(data map[string]any) manifest.Object {
	return manifest.Object{
		"apiVersion": "v1", "kind": "Secret", "immutable": true, "metadata": map[string]any{"name": "credentials"}, "stringData": data,
	}
}

// TestInputsDoNotComeBack: what the controller puts into a ManagedResource is only what was generated, no input Secret,
// and the inputs stay as they were.
func TestInputsDoNotComeBack(t *testing.T) {
	secret := credentials(map[string]any{"username": "u", "password": "p"})
	before := fmt.Sprint(secret)
	foreign := manifest.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "foreign"}}
	out, err := pipeline.Render(parse(t, private), []manifest.Object{secret, foreign})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Objects {
		if o.Name() == "credentials" || o.Name() == "foreign" || o.Annotation("functions.registry.extensions.gardener.cloud/generated-by") == "" {
			t.Errorf("%s was not generated and must not come back", o.ID())
		}
	}
	if fmt.Sprint(secret) != before {
		t.Error("the input Secret was changed")
	}
}

// TestFaultsTellWhetherWaitingHelps: a controller retries what a Secret is to blame for, and nothing else.
func TestFaultsTellWhetherWaitingHelps(t *testing.T) {
	faultsOf := func(text string, items ...manifest.Object) fault.List {
		t.Helper()
		_, err := pipeline.Render(parse(t, text), items)
		var list fault.List
		if !errors.As(fmt.Errorf("reconciling: %w", err), &list) {
			t.Fatalf("got %v, want faults, wrapped or not", err)
		}
		return list
	}
	if list := faultsOf(private); !list.Only(fault.Secret) {
		t.Errorf("a missing Secret is a fault of a Secret only, got %v", list)
	}
	if list := faultsOf(private, credentials(map[string]any{"username": "u"})); !list.Only(fault.Secret) {
		t.Errorf("a malformed Secret is a fault of a Secret only, got %v", list)
	}
	if list := faultsOf(strings.Replace(private, "docker.io", "https://docker.io", 1)); list.Only(fault.Secret) {
		t.Errorf("an invalid upstream is no fault of a Secret, got %v", list)
	}
}

func TestUnknownKind(t *testing.T) {
	_, err := pipeline.Render(parse(t, "apiVersion: v1\nkind: ConfigMap"), nil)
	if err == nil || !strings.Contains(err.Error(), `kind: Unsupported value: "v1 ConfigMap"`) {
		t.Errorf("got %v", err)
	}
}

// TestConcurrentRender: shapes are shared, and what is made of them is not.
func TestConcurrentRender(t *testing.T) {
	config := configWith(t, 3)
	want := text(t, config)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if got := text(t, config); got != want {
					t.Error("the same config rendered to something else")
				}
			}
		})
	}
	wg.Wait()
}

// text renders, and then spoils what was rendered.
func text(t *testing.T, config input.Config) string {
	out, err := pipeline.Render(config, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	encoded, err := json.Marshal(out.Objects)
	if err != nil {
		t.Error(err)
	}
	for _, o := range out.Objects {
		manifest.Ensure(o, "metadata", "labels")["spoiled"] = "true"
		clear(manifest.Map(o, "spec"))
	}
	return string(encoded)
}
