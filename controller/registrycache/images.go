package registrycache

import (
	_ "embed"
	"fmt"

	"github.com/gardener/gardener/pkg/utils/imagevector"
)

//go:embed images.yaml
var imageVector string

// The names of images in the image vector; IMAGEVECTOR_OVERWRITE replaces them by these names.
const (
	imageRegistry = "registry"
	imageNode     = "registry-cache-node-helper"
)

// Images are the images of what runs in a shoot.
type Images struct {
	// Registry is the image of the caches.
	Registry string
	// Cleaner is the image of the cleaner, which needs a shell and coreutils.
	Cleaner string
}

// ReadImages returns the images of this version, or what the file that the environment variable IMAGEVECTOR_OVERWRITE names
// has instead: a YAML list "images" with name, repository and tag, as in every Gardener extension.
func ReadImages() (Images, error) {
	vector, err := imagevector.Read([]byte(imageVector))
	if err != nil {
		return Images{}, fmt.Errorf("reading the image vector: %w", err)
	}
	if vector, err = imagevector.WithEnvOverride(vector, imagevector.OverrideEnv); err != nil {
		return Images{}, fmt.Errorf("reading the image vector that %s names: %w", imagevector.OverrideEnv, err)
	}
	registry, err := vector.FindImage(imageRegistry)
	if err != nil {
		return Images{}, fmt.Errorf("finding the image of the caches: %w", err)
	}
	node, err := vector.FindImage(imageNode)
	if err != nil {
		return Images{}, fmt.Errorf("finding the image of the cleaner: %w", err)
	}
	return Images{Registry: registry.String(), Cleaner: node.String()}, nil
}
