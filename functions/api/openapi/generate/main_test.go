package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCommittedFilesAreGenerated guards that nobody edits a generated file, or a type without "make generate".
func TestCommittedFilesAreGenerated(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Errorf("reading a generated file: %v", err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("functions/api/%s is outdated, run \"make generate\"", name)
		}
	}
	committed, err := existing(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range committed {
		if _, ok := files[name]; !ok {
			t.Errorf("functions/api/%s is not generated any more, run \"make generate\"", name)
		}
	}
}

// TestSameBytesEveryTime guards against an order that comes from a Go map.
func TestSameBytesEveryTime(t *testing.T) {
	first, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	second, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name := range first {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s differs between two runs", name)
		}
	}
}
