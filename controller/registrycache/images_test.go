package registrycache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

// TestImagesAreThoseOfTheBases: without an overwrite the controller renders what the other doors render.
func TestImagesAreThoseOfTheBases(t *testing.T) {
	for _, program := range fnv1alpha1.Registries() {
		images, err := ReadImages(program)
		if err != nil {
			t.Fatal(err)
		}
		caches := render(t, `{"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1", "kind": "RegistryCaches",
			"registry": "`+string(program)+`", "registryConfig": {"apiVersion": "registry.extensions.gardener.cloud/v1alpha3",
			"kind": "RegistryConfig", "caches": [{"upstream": "docker.io"}]}}`)
		if got := imageOf(t, caches, "StatefulSet", "containers", "registry-cache"); got != images.Registry {
			t.Errorf("the functions run %s with the image %s, the image vector has %s", program, got, images.Registry)
		}
		cleaner := render(t, `{"apiVersion": "functions.registry.extensions.gardener.cloud/v1alpha1", "kind": "RegistryCleaner",
			"upstreams": ["docker.io"]}`)
		if got := imageOf(t, cleaner, "DaemonSet", "initContainers", "clean"); got != images.Cleaner {
			t.Errorf("bases/cleaner has the image %s, the image vector %s", got, images.Cleaner)
		}
	}
}

func render(t *testing.T, text string) []manifest.Object {
	t.Helper()
	config, err := input.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := pipeline.Render(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.Objects
}

// imageOf returns the image of a container of the only object of a kind that has one of that name.
func imageOf(t *testing.T, objects []manifest.Object, kind, list, container string) string {
	t.Helper()
	for _, o := range objects {
		if c := manifest.Named(manifest.Map(o, "spec", "template", "spec")[list], container); o.Kind() == kind && c != nil {
			image, _ := c["image"].(string)
			return image
		}
	}
	t.Fatalf("no %s has the container %s", kind, container)
	return ""
}

// TestImagesCanBeOverwritten: by the file and the names that landscapes have always used.
func TestImagesCanBeOverwritten(t *testing.T) {
	before, err := ReadImages(fnv1alpha1.RegistryDistribution)
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
	images, err := ReadImages(fnv1alpha1.RegistryDistribution)
	if want := (Images{Registry: "registry.example/registry:3.1.2", Cleaner: before.Cleaner}); err != nil || images != want {
		t.Errorf("got %+v and %v, want %+v", images, err, want)
	}
	if images, err = ReadImages(fnv1alpha1.RegistryCache); err != nil || images.Registry == "registry.example/registry:3.1.2" {
		t.Errorf("distribution's image must not take the place of ours, got %+v and %v", images, err)
	}
	overwrite("images:\n- name: registry-cache\n  repository: registry.example/ours\n  tag: v1\n")
	if images, err = ReadImages(fnv1alpha1.RegistryCache); err != nil || images.Registry != "registry.example/ours:v1" {
		t.Errorf("got %+v and %v", images, err)
	}
	overwrite("images: registry")
	if _, err := ReadImages(fnv1alpha1.RegistryCache); err == nil || !strings.Contains(err.Error(), "IMAGEVECTOR_OVERWRITE") {
		t.Errorf("got %v, want an error that names the variable", err)
	}
}
