package nodeimages

import (
	"strings"
	"testing"
)

// The references are those of the manifests: what is imported under them is what pods start.
func TestReferences(t *testing.T) {
	seen := map[string]string{}
	for _, name := range Names() {
		reference, err := Reference(name)
		if err != nil {
			t.Errorf("%s must have a reference: %v", name, err)
		}
		if _, err := normalize(reference); err != nil {
			t.Errorf("%s must have a reference that is one: %v", name, err)
		}
		if !strings.Contains(reference, "/"+name+":") {
			t.Errorf("%s must be in its reference, got %s", name, reference)
		}
		if other, taken := seen[reference]; taken {
			t.Errorf("%s and %s must have references of their own, have %s", name, other, reference)
		}
		seen[reference] = name
	}
}
