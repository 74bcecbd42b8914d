package nodeimages

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// entries returns what is in the layers of an image: a file's content, a link's target, nothing of a folder.
func entries(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	found := map[string]string{}
	eachEntry(t, content, func(header *tar.Header, content []byte) { found[header.Name] = header.Linkname + string(content) })
	return found
}

func eachEntry(t *testing.T, archive io.Reader, visit func(*tar.Header, []byte)) {
	t.Helper()
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		visit(header, content)
	}
}

// open unpacks an archive and returns its one image and the name that containerd gives it. All digests must be right.
func open(t *testing.T, archive string) (name string, image v1.Image) {
	t.Helper()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	folder := t.TempDir()
	eachEntry(t, file, func(header *tar.Header, content []byte) {
		path := filepath.Join(folder, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	index, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%s must have one image, has %v, %v", archive, manifest, err)
	}
	if image, err = index.Image(manifest.Manifests[0].Digest); err != nil {
		t.Fatal(err)
	}
	checkSound(t, image)
	return manifest.Manifests[0].Annotations["io.containerd.image.name"], image
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// checkSound fails if a blob is not what manifest and config say of it. The library checks all but the layers, of which it
// believes that they are compressed.
func checkSound(t *testing.T, image v1.Image) {
	t.Helper()
	if err := validate.Image(image, validate.Fast); err != nil {
		t.Errorf("the image must be sound: %v", err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for i, layer := range layers {
		content, err := layer.Compressed() // as it lies there
		if err != nil {
			t.Fatal(err)
		}
		digest, size, err := v1.SHA256(content)
		_ = content.Close()
		if err != nil {
			t.Fatal(err)
		}
		said := manifest.Layers[i]
		if digest != said.Digest || size != said.Size || digest != configOf(t, image).RootFS.DiffIDs[i] || said.MediaType != types.OCIUncompressedLayer {
			t.Errorf("layer %d must be a plain tar file of %d bytes and digest %s, has %d and %s", i, said.Size, said.Digest, size, digest)
		}
	}
}
