package kustomize

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// checkSound finds what kustomize lets through and an API server refuses: two objects with one identity, a variable with
// a value and a reference; and what has no business in a manifest: the name of a patch.
func checkSound(t *testing.T, objects []manifest.Object) {
	t.Helper()
	seen := map[manifest.ID]bool{}
	for _, o := range objects {
		if seen[o.ID()] {
			t.Errorf("%s is there twice", o.ID())
		}
		seen[o.ID()] = true
		if o.Name() == "any" || o.Name() == "" {
			t.Errorf("%s has no name of its own", o.ID())
		}
		checkVariables(t, o)
	}
}

func checkVariables(t *testing.T, o manifest.Object) {
	t.Helper()
	containers, _ := manifest.Map(o, "spec", "template", "spec")["containers"].([]any)
	for _, c := range containers {
		container, _ := c.(map[string]any)
		variables, _ := container["env"].([]any)
		seen := map[any]bool{}
		for _, v := range variables {
			variable, _ := v.(map[string]any)
			name := variable["name"]
			if seen[name] {
				t.Errorf("%s has the variable %v twice", o.ID(), name)
			}
			seen[name] = true
			if variable["value"] != nil && variable["valueFrom"] != nil {
				t.Errorf("%s has both a value and a reference in the variable %v", o.ID(), name)
			}
		}
	}
}
