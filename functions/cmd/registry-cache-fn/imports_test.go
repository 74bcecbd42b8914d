package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestStaysSmall: nothing of Gardener, no Kubernetes client and no registry gets into the function, however indirectly;
// the linter only sees direct imports.
func TestStaysSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dependency := range strings.Fields(string(out)) {
		for _, forbidden := range []string{
			"github.com/gardener/", "sigs.k8s.io/controller-runtime", "k8s.io/client-go", "k8s.io/api/", "github.com/distribution/",
			"github.com/registry-cache/registry-cache/functions/api/openapi",
		} {
			if strings.HasPrefix(dependency, forbidden) {
				t.Errorf("the function must not depend on %s", dependency)
			}
		}
	}
}
