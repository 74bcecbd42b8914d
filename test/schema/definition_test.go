package schema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/kustomize/kyaml/fn/framework"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// TestFunctionDefinitions loads the schema of every functionConfig from its KRMFunctionDefinition, and uses it, as
// kyaml's function framework does.
func TestFunctionDefinitions(t *testing.T) {
	for _, d := range documents(t, "good") {
		if d.kind == "RegistryStatus" { // is not a functionConfig
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			if err := againstDefinition(t, d); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("bad documents", func(t *testing.T) {
		for _, d := range documents(t, "bad") {
			if d.name != "unknown-field.yaml" && d.name != "wrapped-config-with-unknown-field.yaml" {
				continue
			}
			if err := againstDefinition(t, d); err == nil {
				t.Errorf("%s passed", d.name)
			}
		}
	})
}

func againstDefinition(t *testing.T, d document) error {
	t.Helper()
	definition, err := os.ReadFile(filepath.Join("..", "..", "functions", "api", "definitions", strings.ToLower(d.kind)+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	group, version, _ := strings.Cut(d.apiVersion, "/")
	loaded, err := framework.SchemaFromFunctionDefinition(resid.NewGvk(group, version, d.kind), string(definition))
	if err != nil {
		t.Fatal(err)
	}
	var value map[string]any
	if err := yaml.Unmarshal(d.content, &value); err != nil {
		t.Fatal(err)
	}
	return validate.AgainstSchema(loaded, value, strfmt.Default)
}
