package images

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is a file in a layer, or a folder if its path ends in a slash, or a symbolic link. All belong to root.
type file struct {
	path    string
	mode    int64
	content []byte
	link    string
}

// layer makes a layer whose bytes depend on the files alone, with the folders that they need.
func layer(files []file) (v1.Layer, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, f := range withFolders(files) {
		if err := writer.WriteHeader(f.header()); err != nil {
			return nil, err
		}
		if _, err := writer.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// header leaves the time at zero, which tar writes as 1970.
func (f file) header() *tar.Header {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.content)), Format: tar.FormatUSTAR}
	switch {
	case f.link != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.link, 0o777
	case strings.HasSuffix(f.path, "/"):
		header.Typeflag = tar.TypeDir
	}
	return header
}

// withFolders adds the parents of the files and sorts all by path, parents first.
func withFolders(files []file) []file {
	byPath := map[string]file{}
	for _, f := range files {
		for parent := path.Dir(path.Clean(f.path)); parent != "."; parent = path.Dir(parent) {
			if _, given := byPath[parent+"/"]; !given {
				byPath[parent+"/"] = file{path: parent + "/", mode: 0o755}
			}
		}
		byPath[f.path] = f
	}
	sorted := make([]file, 0, len(byPath))
	for _, f := range byPath {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return sorted
}
