package nodeimages

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/distribution/reference"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/bases"
	"github.com/registry-cache/registry-cache/overlays"
)

// The names of the images.
const (
	Pause      = "pause"
	CoreDNS    = "coredns"
	Shell      = "shell"
	Cache      = "registry-cache"
	NodeHelper = "registry-cache-node-helper"
	Extension  = "gardener-extension-registry-cache"
	Admission  = "gardener-extension-registry-cache-admission"
	Registry   = "registry"
)

// Reference returns what manifests call an image by default: of Cache, NodeHelper and Registry what this project's manifests
// say, of Extension and Admission what its charts do, and of the others a reference that nobody else has. It fails if the
// name is not one of this package's.
func Reference(name string) (string, error) {
	switch name {
	case Pause, CoreDNS, Shell:
		return "registry.example.com/registry-cache/" + name + ":test", nil
	case Cache:
		return imageIn(bases.FS, "cache/statefulset.yaml")
	case NodeHelper:
		return imageIn(bases.FS, "node/daemonset.yaml")
	case Registry:
		return imageIn(overlays.FS, "components/distribution/statefulset.yaml")
	case Extension, Admission:
		cache, err := Reference(Cache)
		return strings.Replace(cache, "/"+Cache+":", "/"+name+":", 1), err
	}
	return "", fmt.Errorf("image must be one of %q, got %q", Names(), name)
}

// Names returns the names of all images.
func Names() []string {
	return []string{Pause, CoreDNS, Shell, Cache, NodeHelper, Extension, Admission, Registry}
}

// imageIn returns the image of a manifest's first container.
func imageIn(files fs.FS, path string) (string, error) {
	content, err := fs.ReadFile(files, path)
	if err != nil {
		return "", fmt.Errorf("reading a manifest: %w", err)
	}
	var manifest struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct{ Image string }
				}
			}
		}
	}
	if err := yaml.Unmarshal(content, &manifest); err != nil {
		return "", fmt.Errorf("parsing %s: %w", path, err)
	}
	containers := manifest.Spec.Template.Spec.Containers
	if len(containers) == 0 || containers[0].Image == "" {
		return "", fmt.Errorf("%s must have a container with an image", path)
	}
	return containers[0].Image, nil
}

// normalize returns a reference as containerd's CRI asks its store for it: whole, and without the tag if it has a digest.
func normalize(text string) (string, error) {
	parsed, err := reference.ParseDockerRef(text)
	if err != nil {
		return "", fmt.Errorf("parsing reference %q: %w", text, err)
	}
	return parsed.String(), nil
}
