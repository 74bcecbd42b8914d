package kpt

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestRenderClone: in a fresh clone of the repository kpt fn render renders overlays/kpt and changes nothing else.
func TestRenderClone(t *testing.T) {
	clone := filepath.Join(t.TempDir(), "clone")
	must(t, filepath.Dir(clone), "git", "clone", "--quiet", bareClone(t), clone)
	before := snapshot(t, clone)
	render(t, clone)
	after := snapshot(t, clone)
	checkSame(t, "what was there must stay", before, after.without(after.without(before)))

	var want []string
	for name := range snapshot(t, filepath.Join("testdata", "rendered")) {
		want = append(want, path.Join("overlays/kpt", name))
	}
	slices.Sort(want)
	if got := after.without(before).names(); !slices.Equal(want, got) {
		t.Errorf("only the rendered package must appear, %q, got %q", want, got)
	}
}

// TestIgnoreFileIsComplete: .krmignore lists everything but the package and what leads to it. Without an entry kpt refuses
// to render the repository, or worse, formats files that are none of its business.
func TestIgnoreFileIsComplete(t *testing.T) {
	listed := map[string]bool{}
	for line := range strings.Lines(read(t, ".krmignore")) {
		listed[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(read(t, ".gitignore")) {
		if entry := strings.TrimSpace(line); entry != "" && !strings.HasPrefix(entry, "#") && !listed[entry] {
			t.Errorf(".krmignore must list what .gitignore lists: %s", entry)
		}
	}
	missing := map[string]bool{}
	for _, name := range workingTree(t) {
		if entry := ignorable(name); entry != "" && !listed[entry] {
			missing[entry] = true
		}
	}
	for entry := range missing {
		t.Errorf(".krmignore must list %s", entry)
	}
}

// ignorable returns the entry of .krmignore that a file needs, "" if it needs none.
func ignorable(name string) string {
	parts := strings.Split(name, "/")
	depth := 1
	if parts[0] == "overlays" {
		depth = 2
	}
	entry := "/" + path.Join(parts[:depth]...)
	switch {
	case entry == "/overlays/kpt" || entry == "/Kptfile" || entry == "/.krmignore":
		return ""
	case len(parts) > depth:
		return entry + "/"
	}
	return entry
}

// TestNoOtherKptfile: kpt runs the pipeline of every Kptfile below the root, whatever .krmignore says, so that fixtures
// must have other names.
func TestNoOtherKptfile(t *testing.T) {
	for _, name := range workingTree(t) {
		if path.Base(name) == "Kptfile" && name != "Kptfile" && name != "overlays/kpt/Kptfile" {
			t.Errorf("%s must be renamed, to Kptfile.golden for example, and be copied where kpt is to see it", name)
		}
	}
	if strings.Contains(read(t, "Kptfile"), "\npipeline:") {
		t.Error("the Kptfile of the root must have no pipeline")
	}
}

// read returns the content of a file in the repository's root.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tool.Root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
