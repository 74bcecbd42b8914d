package images

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An image has one static program that everybody may start, and a folder for temporary files.
func TestFiles(t *testing.T) {
	modes := map[string]int64{}
	entries(t, build(t, newBuilder("../.."), probe), func(header *tar.Header, content io.Reader) {
		modes[header.Name] = header.Mode
		checkHeader(t, header)
		if header.Name == "registry-cache-probe" {
			checkStatic(t, content)
		}
	})
	want := map[string]int64{"registry-cache-probe": 0o755, "tmp": 0o1777}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Errorf("the files must be as wanted (-want +got):\n%s", diff)
	}
}

// A layer has folders before what is in them, whatever the order of the files.
func TestLayerHasFolders(t *testing.T) {
	made, err := newBuilder("").addendum("test", file{path: "usr/bin/b", mode: 0o755, content: []byte("b")}, file{path: "bin/a", link: "../usr/bin/b"})
	if err != nil {
		t.Fatal(err)
	}
	content, err := made.Layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	var names []string
	reader := tar.NewReader(content)
	for header, err := reader.Next(); err == nil; header, err = reader.Next() {
		names = append(names, header.Name)
		checkHeader(t, header)
	}
	if diff := cmp.Diff([]string{"bin/", "bin/a", "usr/", "usr/bin/", "usr/bin/b"}, names); diff != "" {
		t.Errorf("the layer must have these entries (-want +got):\n%s", diff)
	}
}

func checkHeader(t *testing.T, header *tar.Header) {
	t.Helper()
	const setIDs = 0o6000
	if header.Mode&setIDs != 0 {
		t.Errorf("%s must not have a set-user-id or set-group-id bit, has mode %o", header.Name, header.Mode)
	}
	if header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.Gname != "" || header.ModTime.Unix() != 0 {
		t.Errorf("%s must be root's and without a time, got %d:%d (%s:%s) %s",
			header.Name, header.Uid, header.Gid, header.Uname, header.Gname, header.ModTime)
	}
}

// checkStatic fails if a program needs a loader or libraries, which no image has.
func checkStatic(t *testing.T, content io.Reader) {
	t.Helper()
	program, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	for _, segment := range parsed.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("the program must be static")
		}
	}
}
