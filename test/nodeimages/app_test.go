package nodeimages

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// An App has its base and as many layers of the given size as asked for, and runs until it is told to stop.
func TestApp(t *testing.T) {
	image := newApp(t, newBase(t), AppOptions{Layers: 2, LayerBytes: 1000, Seed: 1})
	checkSound(t, image)
	config := configOf(t, image).Config
	if diff := cmp.Diff([]string{"/bin/sh", "-c", "trap 'exit 0' TERM INT; sleep 2147483647 & wait"}, config.Entrypoint); diff != "" {
		t.Errorf("the entrypoint must be as wanted (-want +got):\n%s", diff)
	}
	found := entries(t, image)
	if found["bin/sh"] != "shell" {
		t.Errorf("the image must have the base's shell, has %q", found["bin/sh"])
	}
	if len(found["data/0"]) != 1000 || len(found["data/1"]) != 1000 || found["data/0"] == found["data/1"] {
		t.Errorf("each layer must have 1000 bytes of its own, got %d and %d", len(found["data/0"]), len(found["data/1"]))
	}
	if blobs := len(digests(t, image)); blobs != 3 {
		t.Errorf("the image must have 3 layers, has %d", blobs)
	}
}

// Which blobs two Apps share is for the test to say.
func TestAppsShare(t *testing.T) {
	base := newBase(t)
	options := AppOptions{Layers: 2, LayerBytes: 10, Seed: 1}
	other := AppOptions{Layers: 2, LayerBytes: 10, Seed: 2}
	first := digests(t, newApp(t, base, options))
	for _, test := range []struct {
		name   string
		image  v1.Image
		shared int
	}{
		{"with the same options", newApp(t, base, options), 3},
		{"with another seed", newApp(t, base, other), 1},
	} {
		shared := 0
		for digest := range digests(t, test.image) {
			if first[digest] {
				shared++
			}
		}
		if shared != test.shared {
			t.Errorf("an App %s must share %d layers, shares %d", test.name, test.shared, shared)
		}
	}
}

func newBase(t *testing.T) v1.Layer {
	t.Helper()
	base, err := newLayer(file{path: "bin/sh", mode: 0o755, content: []byte("shell")})
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func newApp(t *testing.T, base v1.Layer, options AppOptions) v1.Image {
	t.Helper()
	image, err := App(base, options)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func digests(t *testing.T, image v1.Image) map[string]bool {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		found[digest.String()] = true
	}
	return found
}
