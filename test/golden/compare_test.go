package golden

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/rendered"
)

var update = flag.Bool("update", false, "write the golden files anew")

// compare checks text against a golden file, which does not exist if the text is empty. Scripts are left out of it.
func compare(t *testing.T, got string, elements ...string) {
	t.Helper()
	path := filepath.Join(elements...)
	got = rendered.WithoutScripts(got)
	if *update {
		rewrite(t, path, got)
		return
	}
	if diff := cmp.Diff(read(t, path), got); diff != "" {
		t.Errorf("%s differs (-expected +got), see -update:\n%s", filepath.Base(path), diff)
	}
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if text == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
