package images

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/registry-cache/registry-cache/test/tree"
)

// The same source gives the same digest in another folder, at another time, and with other settings of Go.
func TestSameDigestEverywhere(t *testing.T) {
	want := digest(t, build(t, newBuilder("../.."), probe))
	elsewhere := copyModule(t)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("GOFLAGS", "-tags=netgo -ldflags=-w")
	t.Setenv("GOAMD64", "v2")
	t.Setenv("TZ", "Pacific/Auckland")
	if got := digest(t, build(t, newBuilder(elsewhere), probe)); got != want {
		t.Errorf("the digest must be the same elsewhere: got %s, want %s", got, want)
	}
}

// Another commit of the same code gives another image with the same layer, which need not be pulled again.
func TestLayersSurviveCommits(t *testing.T) {
	first, second := newBuilder("../.."), newBuilder("../..")
	second.Version, second.Revision, second.Created = "v1.2.4", "fedcba", second.Created.Add(time.Hour)
	before, after := build(t, first, probe), build(t, second, probe)
	if digest(t, before) == digest(t, after) {
		t.Error("an image must tell its version")
	}
	if layerDigest(t, before) != layerDigest(t, after) {
		t.Error("the layer must not depend on the version")
	}
}

func digest(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func layerDigest(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// copyModule copies what the probe is made of.
func copyModule(t *testing.T) string {
	t.Helper()
	folder, files := t.TempDir(), tree.Tree{}
	for _, name := range []string{"go.mod", "go.sum", "scripts/registry-cache-probe/main.go"} {
		content, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	tree.Write(t, folder, files)
	return folder
}
