//go:build node

package keeper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRealVolume fills a small volume, ours and with what is not ours, and looks whether there is room again.
func TestRealVolume(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=16m"); err != nil {
		t.Fatalf("mounting a tmpfs (it needs root): %v", err)
	}
	defer unix.Unmount(root, unix.MNT_DETACH) //nolint:errcheck // the test is over
	k := New(Options{Root: root})
	k.rhythm.check = 10 * time.Millisecond
	k.Start(t.Context(), &driver{})
	defer k.Close() //nolint:errcheck // a disk that hangs is none of this test

	for i := range 64 { // 32 MiB
		name := fmt.Sprintf("L%d", i)
		plantRoomy(t, k, root, name, 512<<10)
	}
	wantRoom(t, root, 0.1)
	for i := range 16 { // 8 MiB
		insist(t, k, filepath.Join(root, fmt.Sprintf("foreign%d", i)), 512<<10)
	}
	wantRoom(t, root, 0.1)
	for i := range 16 {
		if info, err := os.Stat(filepath.Join(root, fmt.Sprintf("foreign%d", i))); err != nil || info.Size() != 512<<10 {
			t.Errorf("what is not ours is not as it was: %v", err)
		}
	}
	if links, _ := consistency(t, root); links > 0 {
		t.Errorf("%d links have no blob", links)
	}
}

// plantRoomy stores a blob, and gives the keeper time when there is no room for it.
func plantRoomy(t *testing.T, k *Keeper, root, name string, size int) {
	t.Helper()
	insist(t, k, filepath.Join(root, blobFolder(name), "data"), size)
	plant(t, root, "layer x "+name)
	k.Committed(dgstOf(name), int64(size))
	k.Linked(locationOf("layer x " + name))
}

// insist writes a file, again and again as long as there is no room for it.
func insist(t *testing.T, k *Keeper, file string, size int) {
	t.Helper()
	for range 1000 {
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o644)
		if err == nil {
			return
		}
		if errors.Is(err, os.ErrNotExist) {
			continue // the keeper has removed the folder, which was empty; the driver would have kept it from that
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
			must(t, err)
		}
		k.NoSpace(err)
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("there was no room for it for a long time")
}

func wantRoom(t *testing.T, root string, fraction float64) {
	t.Helper()
	var v volume
	for range 1000 {
		var err error
		v, err = statfs(root)
		must(t, err)
		if float64(v.free) >= fraction*float64(v.capacity) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("of %d bytes only %d are free", v.capacity, v.free)
}
