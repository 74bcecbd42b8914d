package charts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"github.com/registry-cache/registry-cache/controller/charts"
)

var folders = []string{"gardener-extension-registry-cache", "admission/runtime", "admission/application"}

// TestArchive: Helm reads the archive of a chart as it reads the folder.
func TestArchive(t *testing.T) {
	for _, folder := range folders {
		archive := pack(t, folder)
		got, err := loader.LoadArchive(bytes.NewReader(archive))
		if err != nil {
			t.Fatal(err)
		}
		want, err := loader.LoadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(contents(want.Raw), contents(got.Raw)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", folder, diff)
		}
	}
}

// TestArchiveIsReproducible: the same files make the same bytes, whenever and by whomever they were written.
func TestArchiveIsReproducible(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other-name")
	if err := os.CopyFS(other, os.DirFS(folders[0])); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(other, "values.yaml")
	if err := os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack(t, folders[0]), pack(t, other)) {
		t.Error("the archives differ")
	}
}

// TestArchiveOfNoChart: what is wrong with the folder is said.
func TestArchiveOfNoChart(t *testing.T) {
	for name, chartYAML := range map[string]string{"no name": "version: 1.0.0", "no YAML": "}"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "Chart.yaml"), []byte(chartYAML), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := charts.Archive(dir); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if _, err := charts.Archive(t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}

// TestOneVersion: the charts are released together, and the images with them.
func TestOneVersion(t *testing.T) {
	first, err := charts.Read(folders[0])
	if err != nil {
		t.Fatal(err)
	}
	if first.AppVersion != "v"+first.Version {
		t.Errorf("appVersion is %q and version is %q", first.AppVersion, first.Version)
	}
	for _, folder := range folders[1:] {
		chart, err := charts.Read(folder)
		if err != nil {
			t.Fatal(err)
		}
		if chart.Version != first.Version || chart.AppVersion != first.AppVersion {
			t.Errorf("%s is %s with %s, not %s with %s", folder, chart.Version, chart.AppVersion, first.Version, first.AppVersion)
		}
	}
}

func pack(t *testing.T, folder string) []byte {
	t.Helper()
	archive, err := charts.Archive(folder)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func contents(files []*common.File) map[string]string {
	texts := map[string]string{}
	for _, file := range files {
		texts[file.Name] = string(file.Data)
	}
	return texts
}
