package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"sigs.k8s.io/yaml"
)

// Chart is what Chart.yaml says of a chart, as far as others must know it.
type Chart struct {
	// Name is also the last part of the name of the OCI repository that the chart is pushed to.
	Name string `json:"name"`
	// Version is the tag there.
	Version string `json:"version"`
	// AppVersion is the tag of the image that the chart runs.
	AppVersion string `json:"appVersion"`
}

// Read returns what the Chart.yaml in a chart's folder says.
func Read(dir string) (Chart, error) {
	text, err := os.ReadFile(path.Join(dir, "Chart.yaml"))
	if err != nil {
		return Chart{}, fmt.Errorf("reading the chart: %w", err)
	}
	var chart Chart
	if err := yaml.Unmarshal(text, &chart); err != nil {
		return Chart{}, fmt.Errorf("decoding Chart.yaml of %q: %w", dir, err)
	}
	if chart.Name == "" || chart.Version == "" {
		return Chart{}, fmt.Errorf("decoding Chart.yaml of %q: name and version must be set", dir)
	}
	return chart, nil
}

// Archive packs the chart in a folder as "helm package" does, but the same files make the same bytes: there is no time in
// it, and no owner. It is what ControllerDeployments carry as rawChart and OCI registries as the chart's layer.
func Archive(dir string) ([]byte, error) {
	chart, err := Read(dir)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	zipper := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipper)
	if err := addFiles(archive, os.DirFS(dir), chart.Name); err != nil {
		return nil, fmt.Errorf("packing the chart %q: %w", chart.Name, err)
	}
	if err := errors.Join(archive.Close(), zipper.Close()); err != nil {
		return nil, fmt.Errorf("packing the chart %q: %w", chart.Name, err)
	}
	return packed.Bytes(), nil
}

// addFiles adds all files in lexical order, under a folder with the chart's name as Helm demands.
func addFiles(archive *tar.Writer, files fs.FS, folder string) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(folder, name), Mode: 0o644, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
}
