package images

import (
	"archive/tar"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// probe is an image of the smallest program, which the tests that need no shell build.
var probe = Image{Name: "probe", Description: "a test", Program: "./scripts/registry-cache-probe"}

var native = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

func newBuilder(root string) *Builder {
	return &Builder{
		Root: root, Version: "v1.2.3", Revision: "0123456789abcdef", Created: time.Unix(1700000000, 0).UTC(),
		BusyboxFolder: "../../bin/busybox",
	}
}

func build(t *testing.T, b *Builder, image Image) v1.Image {
	t.Helper()
	built, err := b.Build(t.Context(), image, native)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// entries reads all that is in the layers of an image.
func entries(t *testing.T, image v1.Image, visit func(*tar.Header, io.Reader)) {
	t.Helper()
	content := mutate.Extract(image)
	defer func() { _ = content.Close() }()
	reader := tar.NewReader(content)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		visit(header, reader)
	}
}
