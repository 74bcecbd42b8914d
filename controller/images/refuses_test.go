package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/tree"
)

func TestSelect(t *testing.T) {
	selected, err := Select("registry-cache-node-helper", "registry-cache-fn")
	if err != nil || len(selected) != 2 || !selected[0].Shell || selected[1].Shell {
		t.Errorf("both must be selected in this order, got %+v, %v", selected, err)
	}
	if selected, err = Select(); err != nil || len(selected) != len(all) {
		t.Errorf("no name must select all, got %+v, %v", selected, err)
	}
	_, err = Select("registry")
	wantError(t, err, `image must be one of ["registry-cache-fn" `, `got "registry"`)
}

func TestBrokenProgram(t *testing.T) {
	root := t.TempDir()
	tree.Write(t, root, tree.Tree{"go.mod": "module broken\n", "cmd/main.go": "package main\n\nfunc main() { missing() }\n"})
	_, err := newBuilder(root).Build(t.Context(), Image{Name: "broken", Program: "./cmd"}, native)
	wantError(t, err, "compiling ./cmd for linux/", "undefined: missing")
}

func TestBusyboxMissing(t *testing.T) {
	t.Setenv("PATH", "/nonexistent")
	_, err := readBusybox(t.Context(), t.TempDir(), "amd64")
	wantError(t, err, "downloading busybox-static for amd64 (needs Debian's apt-get, or the package in ", "not found")
}

func TestBusyboxTwice(t *testing.T) {
	folder := t.TempDir()
	tree.Write(t, folder, tree.Tree{"busybox-static_1_amd64.deb": "", "busybox-static_2_amd64.deb": "", "busybox-static_1_arm64.deb": ""})
	_, err := readBusybox(t.Context(), folder, "amd64")
	wantError(t, err, "must have one package per architecture", "_1_amd64.deb", "_2_amd64.deb")
}

func TestBusyboxVersion(t *testing.T) {
	if got := versionOf("/x/busybox-static_1%3a1.35.0-4+deb12u1+b1_amd64.deb"); got != "1:1.35.0-4+deb12u1+b1" {
		t.Errorf("the version must be read from the name, got %q", got)
	}
}

func TestArchiveWithoutFiles(t *testing.T) {
	_, err := pick(make([]byte, 1024), map[string]int64{busyboxProgram: 0o755})
	wantError(t, err, "1 of 1 files are missing")
}

// The applets are what the scripts and the DaemonSets of a node call.
func TestAppletsAreLinked(t *testing.T) {
	for _, name := range []string{"bases/node/daemonset.yaml", "bases/cleaner/daemonset.yaml"} {
		content, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			if _, applet, found := strings.Cut(strings.TrimSpace(line), "- /bin/"); found && !strings.Contains(strings.Join(applets, " "), applet) {
				t.Errorf("%s starts %s, which must be among the applets", name, applet)
			}
		}
	}
}

func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there must be an error with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error must have %q, is: %v", text, err)
		}
	}
}
