package nodeimages

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is a file in a layer, or a folder if its path ends in a slash, or a symbolic link. All belong to root.
type file struct {
	path    string
	mode    int64
	content []byte
	link    string
}

// newLayer makes a layer that is not compressed, of files and the folders that they need.
func newLayer(files ...file) (v1.Layer, error) {
	var content bytes.Buffer
	writer := tar.NewWriter(&content)
	folders := map[string]bool{".": true}
	for _, f := range files {
		if err := writeFolders(writer, folders, path.Dir(path.Clean(f.path))); err != nil {
			return nil, fmt.Errorf("making a layer: %w", err)
		}
		if err := f.write(writer); err != nil {
			return nil, fmt.Errorf("making a layer: %w", err)
		}
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("making a layer: %w", err)
	}
	return static.NewLayer(content.Bytes(), types.OCIUncompressedLayer), nil
}

// writeFolders writes a folder after its parents, unless it is there.
func writeFolders(writer *tar.Writer, there map[string]bool, folder string) error {
	if there[folder] {
		return nil
	}
	there[folder] = true
	if err := writeFolders(writer, there, path.Dir(folder)); err != nil {
		return err
	}
	return file{path: folder + "/", mode: 0o755}.write(writer)
}

func (f file) write(writer *tar.Writer) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.content)), Format: tar.FormatUSTAR}
	switch {
	case f.link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.link, 0o777
	case strings.HasSuffix(f.path, "/"):
		header.Typeflag = tar.TypeDir
	}
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err := writer.Write(f.content)
	return err
}

// uncompressed returns an image with the same config and files whose layers are not compressed.
func uncompressed(image v1.Image) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	plain := make([]v1.Layer, len(layers))
	for i, layer := range layers {
		reader, err := layer.Uncompressed()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(reader)
		_ = reader.Close()
		if err != nil {
			return nil, err
		}
		plain[i] = static.NewLayer(content, types.OCIUncompressedLayer)
	}
	return assemble(config.Config, plain...)
}
