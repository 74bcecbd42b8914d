package images

import (
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// A layout is valid to its last blob, has one tagged index with all platforms, and nothing of an older one.
func TestLayout(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "images", "probe")
	platforms := []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}
	index, err := newBuilder("../..").Index(t.Context(), probe, platforms)
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "v1", index)
	if err := os.WriteFile(filepath.Join(folder, "blobs", "stale"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, folder, "v2", index)
	if _, err := os.Stat(filepath.Join(folder, "blobs", "stale")); err == nil {
		t.Error("nothing of an older layout must stay")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(folder), "*")); len(left) != 1 {
		t.Errorf("only the layout must be there, got %q", left)
	}
	read, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, read, index)
}

func write(t *testing.T, folder, tag string, index v1.ImageIndex) {
	t.Helper()
	if err := Write(folder, tag, index); err != nil {
		t.Fatal(err)
	}
}

func checkLayout(t *testing.T, read, written v1.ImageIndex) {
	t.Helper()
	if err := validate.Index(read); err != nil {
		t.Errorf("the layout must be valid: %v", err)
	}
	manifest, err := read.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	want, err := written.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout must have one index, got %d", len(manifest.Manifests))
	}
	got := manifest.Manifests[0]
	if got.Digest != want || got.MediaType != types.OCIImageIndex || got.Annotations["org.opencontainers.image.ref.name"] != "v2" {
		t.Errorf("the layout must name index %s with tag v2, got %+v", want, got)
	}
	sizes, err := Sizes(written)
	if err != nil {
		t.Fatal(err)
	}
	if len(sizes) != 2 || sizes[0].Platform != "linux/amd64" || sizes[1].Platform != "linux/arm64" {
		t.Fatalf("the index must have both platforms, got %+v", sizes)
	}
	for _, size := range sizes {
		if size.Compressed <= 0 || size.Compressed >= size.Uncompressed {
			t.Errorf("compression must make the image of %s smaller, got %+v", size.Platform, size)
		}
	}
}
