package kustomize

import (
	"path/filepath"
	"testing"
)

// TestFoldersBuildAlone: each kustomization that is no Component builds with plain kustomize, without flags.
func TestFoldersBuildAlone(t *testing.T) {
	all := append(folders(t, "bases"), "scripts")
	for _, dir := range folders(t, "overlays") {
		if name := filepath.Base(dir); name != "components" && name != "kpt" {
			all = append(all, dir)
		}
	}
	for _, dir := range all {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			got := kustomize(t, dir)
			if got.code != 0 || got.stdout == "" || got.stderr != "" {
				t.Fatalf("kustomize build %s must print something and no warning, got %+v", dir, got)
			}
			checkSound(t, parse(t, got.stdout))
		})
	}
}
