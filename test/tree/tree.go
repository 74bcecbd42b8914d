// Package tree states folders as maps, so that a test can compare all files before and after, nothing extra and nothing
// missing.
package tree

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tree is a folder: the path of each file, with slashes, to its content. The path of a folder without files ends in a
// slash; the tree of an empty folder is {"./": ""}.
type Tree map[string]string

// Write makes the files and folders below dir.
func Write(t testing.TB, dir string, files Tree) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			mkdir(t, path)
			continue
		}
		mkdir(t, filepath.Dir(path))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Read returns everything below dir.
func Read(t testing.TB, dir string) Tree {
	t.Helper()
	files := Tree{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if entry.IsDir() {
			entries, err := os.ReadDir(path)
			if len(entries) == 0 {
				files[name+"/"] = ""
			}
			return err
		}
		text, err := os.ReadFile(path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func mkdir(t testing.TB, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}
