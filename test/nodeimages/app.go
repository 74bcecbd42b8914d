package nodeimages

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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

func newRandom(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}
