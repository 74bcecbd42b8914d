//go:build node

package nodeimages

import (
	"path/filepath"
	"testing"
)

// The shell and an App have Debian's busybox, which apt-get brings.
func TestShell(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	set := Set{Root: root, Dir: t.TempDir()}
	archives, err := set.Write(t.Context(), Shell, NodeHelper)
	if err != nil {
		t.Fatal(err)
	}
	for _, archive := range archives {
		_, image := open(t, archive)
		found := entries(t, image)
		if len(found["bin/busybox"]) < 1<<20 || found["bin/sh"] != "busybox" || len(found["bin/registry-cache-probe"]) < 1<<20 {
			t.Errorf("%s must have busybox, a shell and the probe", archive)
		}
		if user, shell := configOf(t, image).Config.User, filepath.Base(archive) == "shell.tar"; shell != (user == "") || shell != (found["bin/wget"] == "busybox") {
			t.Errorf("root must run the shell, with wget, and nobody in particular the node helper; user of %s is %q", archive, user)
		}
	}
	base, err := set.Base(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found := entries(t, newApp(t, base, AppOptions{})); found["bin/sh"] != "busybox" || found["bin/sleep"] != "busybox" {
		t.Error("an App must have a shell and sleep")
	}
}
