package registrycache

import (
	_ "embed"
	"fmt"

	"github.com/gardener/gardener/pkg/utils/imagevector"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

//go:embed images.yaml
var imageVector string

// The names of images in the image vector; IMAGEVECTOR_OVERWRITE replaces them by these names.
const imageNode = "registry-cache-node-helper"

// imagesRegistry are the names of the programs' images. That of distribution is what landscapes have always called it: an overwrite
// of theirs must not put distribution's image where our own program is meant to run, which is given the credentials another way.
var imagesRegistry = map[fnv1alpha1.Registry]string{
	fnv1alpha1.RegistryCache:        "registry-cache",
	fnv1alpha1.RegistryDistribution: "registry",
}

// Images are the images of what runs in a shoot.
type Images struct {
	// Registry is the image of the caches.
	Registry string
	// Cleaner is the image of the cleaner, which needs a shell and coreutils.
	Cleaner string
}

// ReadImages returns the images of this version for caches that run a program, or what the file that the environment variable IMAGEVECTOR_OVERWRITE names
// has instead: a YAML list "images" with name, repository and tag, as in every Gardener extension.
func ReadImages(program fnv1alpha1.Registry) (Images, error) {
	vector, err := imagevector.Read([]byte(imageVector))
	if err != nil {
		return Images{}, fmt.Errorf("reading the image vector: %w", err)
	}
	if vector, err = imagevector.WithEnvOverride(vector, imagevector.OverrideEnv); err != nil {
		return Images{}, fmt.Errorf("reading the image vector that %s names: %w", imagevector.OverrideEnv, err)
	}
	registry, err := vector.FindImage(imagesRegistry[program])
	if err != nil {
		return Images{}, fmt.Errorf("finding the image of the caches: %w", err)
	}
	node, err := vector.FindImage(imageNode)
	if err != nil {
		return Images{}, fmt.Errorf("finding the image of the cleaner: %w", err)
	}
	return Images{Registry: registry.String(), Cleaner: node.String()}, nil
}
