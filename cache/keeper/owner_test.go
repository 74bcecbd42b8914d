//go:build node

package keeper

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLastUseOfBlobsOfOthers: the volume may have blobs that another user has stored, whose last use we must not set. Those of
// our own among them have theirs set nevertheless.
func TestLastUseOfBlobsOfOthers(t *testing.T) {
	const nobody, count = 65534, 20
	root, err := os.MkdirTemp("", "keeper") // all users may go there
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(root)) })
	must(t, os.Chmod(root, 0o755))
	file := func(i int) string { return filepath.Join(root, blobFolder(strconv.Itoa(i)), "data") }
	for i := range count {
		plant(t, root, "blob "+strconv.Itoa(i)+" 10 @48h", "layer x "+strconv.Itoa(i))
		if i%2 == 0 {
			must(t, os.Chown(file(i), nobody, nobody))
		}
	}
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	for i := range count {
		k.Used(dgstOf(strconv.Itoa(i)))
	}
	asUser(t, nobody, k.touch)
	for i := range count {
		info, err := os.Stat(file(i))
		must(t, err)
		if set, ours := info.ModTime().Equal(today), i%2 == 0; set != ours {
			t.Errorf("blob %d: set %v, ours %v", i, set, ours)
		}
	}
}

// asUser calls f with the rights that a user has in the file system.
func asUser(t *testing.T, uid int, f func()) {
	t.Helper()
	runtime.LockOSThread() // it is the thread that has them
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(uid); err != nil {
		t.Fatalf("becoming another user (it needs root): %v", err)
	}
	defer unix.SetfsuidRetUid(0) //nolint:errcheck // it says who we were
	f()
}
