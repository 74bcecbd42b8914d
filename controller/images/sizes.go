package images

import (
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Size is how large the image of a platform is: its layers as they are sent, and as they lie on a disk.
type Size struct {
	Platform, Digest         string
	Compressed, Uncompressed int64
}

// Sizes measures all images of an index.
func Sizes(index v1.ImageIndex) ([]Size, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var sizes []Size
	for _, descriptor := range manifest.Manifests {
		size, err := measure(index, descriptor)
		if err != nil {
			return nil, fmt.Errorf("measuring %s: %w", descriptor.Digest, err)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

func measure(index v1.ImageIndex, descriptor v1.Descriptor) (Size, error) {
	size := Size{Platform: descriptor.Platform.String(), Digest: descriptor.Digest.String()}
	image, err := index.Image(descriptor.Digest)
	if err != nil {
		return size, err
	}
	layers, err := image.Layers()
	if err != nil {
		return size, err
	}
	for _, layer := range layers {
		compressed, err := layer.Size()
		if err != nil {
			return size, err
		}
		content, err := layer.Uncompressed()
		if err != nil {
			return size, err
		}
		uncompressed, err := io.Copy(io.Discard, content)
		_ = content.Close()
		if err != nil {
			return size, err
		}
		size.Compressed += compressed
		size.Uncompressed += uncompressed
	}
	return size, nil
}
