package nodeimages

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// untilTold sleeps, and ends at once when the pod is deleted: a shell that is process 1 ignores what it has no trap for.
var untilTold = []string{"/bin/sh", "-c", "trap 'exit 0' TERM INT; sleep 2147483647 & wait"}

// AppOptions say what an App is like. The same options on the same base are the same image.
type AppOptions struct {
	// Layers is the number of layers above the base, each with one file of LayerBytes random bytes.
	Layers, LayerBytes int
	// Seed makes the layers differ from those of another App.
	Seed uint64
}

// App makes an image that can be pushed and run: it stands on a base, whose shell it runs until the pod is deleted. A pull of
// it is a manifest, a config and as many blobs as it has layers with the base, less those that the node has.
func App(base v1.Layer, options AppOptions) (v1.Image, error) {
	layers := []v1.Layer{base}
	random := newRandom(options.Seed)
	for i := range options.Layers {
		content := make([]byte, options.LayerBytes)
		_, _ = random.Read(content) // cannot fail
		layer, err := newLayer(file{path: fmt.Sprintf("data/%d", i), mode: 0o644, content: content})
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return assemble(v1.Config{Env: []string{"PATH=/bin"}, WorkingDir: "/", Entrypoint: untilTold}, layers...)
}

// Base returns the layer for Apps to stand on: busybox with what a shell needs. It fails if Debian's package cannot be had.
func (s Set) Base(ctx context.Context) (v1.Layer, error) {
	helper, err := s.Image(ctx, NodeHelper)
	if err != nil {
		return nil, err
	}
	layers, err := helper.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", NodeHelper, err)
	}
	return layers[0], nil
}

// OwnBase returns a layer that does what the base does and is another blob, for Apps that are to share nothing with others.
func OwnBase(base v1.Layer, seed uint64) (v1.Layer, error) {
	content, err := base.Uncompressed()
	if err != nil {
		return nil, fmt.Errorf("reading a base: %w", err)
	}
	defer func() { _ = content.Close() }()
	var own bytes.Buffer
	writer := tar.NewWriter(&own)
	mark := make([]byte, 16)
	_, _ = newRandom(seed).Read(mark) // cannot fail
	if err := (file{path: "base", mode: 0o644, content: mark}).write(writer); err != nil {
		return nil, fmt.Errorf("marking a base: %w", err)
	}
	if err := copyEntries(writer, tar.NewReader(content)); err != nil {
		return nil, fmt.Errorf("copying a base: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("copying a base: %w", err)
	}
	return static.NewLayer(own.Bytes(), types.OCIUncompressedLayer), nil
}

func copyEntries(writer *tar.Writer, reader *tar.Reader) error {
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if _, err := io.Copy(writer, reader); err != nil {
			return err
		}
	}
}

func newRandom(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}
