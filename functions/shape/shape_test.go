package shape

import (
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestPanicInKustomizeIsAnError: the controller renders in its own process and must outlive it.
func TestPanicInKustomizeIsAnError(t *testing.T) {
	healthy := runKustomize
	t.Cleanup(func() { runKustomize = healthy; Forget() })
	Forget()
	runKustomize = func(filesys.FileSystem) (resmap.ResMap, error) { panic("index out of range") }
	if _, err := Get(NewKey("common", "shoot")); err == nil || !strings.Contains(err.Error(), "kustomize panicked: index out of range") {
		t.Errorf("got %v, want an error that tells of the panic", err)
	}
	runKustomize = func(fsys filesys.FileSystem) (resmap.ResMap, error) {
		return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fsys, "/shape")
	}
	if _, err := Get(NewKey("common", "shoot")); err != nil {
		t.Errorf("the lock must have been given back, and a failure not be kept: %v", err)
	}
}

func TestUnknownComponent(t *testing.T) {
	if _, err := Get(NewKey("cache", "nonsense")); err == nil || !strings.Contains(err.Error(), `building shape cache with components "nonsense"`) {
		t.Errorf("got %v", err)
	}
}
