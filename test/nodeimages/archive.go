package nodeimages

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Archive writes an image as an OCI layout in a tar file, which containerd imports under the reference, whole or short. An older
// file is replaced at once, so that whoever imports it at the time has one or the other.
func Archive(path, reference string, image v1.Image) error {
	name, err := normalize(reference)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "nodeimages-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	written, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	// https://github.com/containerd/containerd/blob/main/core/images/annotations.go
	named := layout.WithAnnotations(map[string]string{"io.containerd.image.name": name})
	if err := written.AppendImage(image, named); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := pack(path, folder); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// pack puts the files of a folder into a tar file.
func pack(path, folder string) error {
	archive, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(archive.Name()) }() // not there any more if all went well
	defer func() { _ = archive.Close() }()
	writer := tar.NewWriter(archive)
	if err := writer.AddFS(os.DirFS(folder)); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return os.Rename(archive.Name(), path)
}
