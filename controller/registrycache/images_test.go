package registrycache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// TestImagesAreThoseOfTheBases: without an overwrite the controller renders what the other doors render.
func TestImagesAreThoseOfTheBases(t *testing.T) {
	images, err := ReadImages()
	if err != nil {
		t.Fatal(err)
	}
	config, err := input.Parse([]byte(`{"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig",
		"metadata": {"name": "caches"}, "caches": [{"upstream": "docker.io"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out.Objects {
		if o.Kind() != "StatefulSet" {
			continue
		}
		registry := manifest.Named(manifest.Map(o, "spec", "template", "spec")["containers"], "registry-cache")
		if registry["image"] != images.Registry {
			t.Errorf("bases/cache has the image %v, the image vector %s", registry["image"], images.Registry)
		}
	}
}

// TestImagesCanBeOverwritten: by the file and the names that landscapes have always used.
func TestImagesCanBeOverwritten(t *testing.T) {
	before, err := ReadImages()
	if err != nil {
		t.Fatal(err)
	}
	overwrite := func(text string) {
		file := filepath.Join(t.TempDir(), "images.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("IMAGEVECTOR_OVERWRITE", file)
	}
	overwrite("images:\n- name: registry\n  repository: registry.example/registry\n  tag: 3.1.2\n")
	images, err := ReadImages()
	if want := (Images{Registry: "registry.example/registry:3.1.2", Cleaner: before.Cleaner}); err != nil || images != want {
		t.Errorf("got %+v and %v, want %+v", images, err, want)
	}
	overwrite("images: registry")
	if _, err := ReadImages(); err == nil || !strings.Contains(err.Error(), "IMAGEVECTOR_OVERWRITE") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
}
