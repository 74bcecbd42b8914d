package images

import "fmt"

// source is where the images' code is.
const source = "https://github.com/registry-cache/registry-cache"

// Image says what is in an image.
type Image struct {
	// Name is that of the image, of its layout's folder and, unless it has a shell, of its program.
	Name string
	// Description goes into the image's labels.
	Description string
	// Program is the Go package, relative to the module's root, of the program in the image.
	Program string
	// Arguments are what the program gets unless a pod says otherwise.
	Arguments []string
	// Shell adds a shell with what the scripts of a node call; the image then starts that.
	Shell bool
}

// all is the list of images, those that need Go alone first.
var all = []Image{
	{
		Name:        "registry-cache-fn",
		Description: "KRM function that renders pull-through registry caches, for kustomize and kpt",
		Program:     "./functions/cmd/registry-cache-fn",
	},
	{
		Name:        "registry-cache",
		Description: "Pull-through registry cache that never fails a pull for want of disk",
		Program:     "./cache/cmd/registry-cache",
		Arguments:   []string{"serve", "/etc/distribution/config.yml"}, // as in distribution's own image
	},
	{
		Name:        "gardener-extension-registry-cache",
		Description: "Gardener extension for pull-through registry caches and mirrors",
		Program:     "./controller/cmd/gardener-extension-registry-cache",
	},
	{
		Name:        "gardener-extension-registry-cache-admission",
		Description: "Admission of registry caches and mirrors in Gardener Shoots",
		Program:     "./controller/cmd/gardener-extension-registry-cache-admission",
	},
	{
		Name:        "registry-cache-node-helper",
		Description: "Shell and probe for the scripts that configure and clean containerd on nodes",
		Program:     "./scripts/registry-cache-probe",
		Shell:       true,
	},
}

// Select returns the images with the given names in the order of the names, and all images if there is no name. It fails if
// a name is not known.
func Select(names ...string) ([]Image, error) {
	if len(names) == 0 {
		return all, nil
	}
	var selected []Image
	for _, name := range names {
		image, err := find(name)
		if err != nil {
			return nil, err
		}
		selected = append(selected, image)
	}
	return selected, nil
}

func find(name string) (Image, error) {
	var known []string
	for _, image := range all {
		if image.Name == name {
			return image, nil
		}
		known = append(known, image.Name)
	}
	return Image{}, fmt.Errorf("image must be one of %q, got %q", known, name)
}
