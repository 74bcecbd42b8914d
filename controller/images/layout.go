package images

import (
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Write puts an index into a folder as an OCI layout in which the tag names it. An older layout in the folder is replaced
// as a whole, so that no blob of it stays.
func Write(folder, tag string, index v1.ImageIndex) error {
	unfinished := folder + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("writing %s: %w", folder, err)
	}
	path, err := layout.Write(unfinished, empty.Index)
	if err != nil {
		return fmt.Errorf("writing %s: %w", folder, err)
	}
	annotation := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})
	if err := path.AppendIndex(index, annotation); err != nil {
		return fmt.Errorf("writing %s: %w", folder, err)
	}
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("writing %s: %w", folder, err)
	}
	return os.Rename(unfinished, folder)
}
