//go:build node

package node

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// useSmallDisk puts certs.d on a small disk of its own. It must be called before anything starts.
func (w *world) useSmallDisk() {
	w.t.Helper()
	small := w.dir + "/small"
	if err := os.Mkdir(small, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=64k"); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := syscall.Unmount(small, syscall.MNT_DETACH); err != nil {
			w.t.Error(err)
		}
	})
	w.certs = small + "/certs.d"
}

// fillDisk leaves no byte free.
func (w *world) fillDisk() {
	w.t.Helper()
	file, err := os.OpenFile(w.dir+"/small/filler", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for {
		if _, err := file.Write(make([]byte, 1024)); err != nil {
			return
		}
	}
}

func (w *world) freeDisk() {
	w.t.Helper()
	if err := os.Remove(w.dir + "/small/filler"); err != nil {
		w.t.Fatal(err)
	}
}

// A full disk keeps a cache from being used, and from nothing else: not from being withdrawn, and from no pull.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, v := range []version{current, debian} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.useSmallDisk()
			c := w.startContainerd(v)
			hub, cache, image := w.startHubAndCache()
			w.fillDisk()
			w.startGuard(cache.registry())
			time.Sleep(3 * time.Second)
			c.expectDirect(hub, image)

			w.freeDisk()
			cache.waitForUse(returnLimit)
			c.expectCached(cache, image)

			w.fillDisk()
			c.expectCached(cache, image)
			w.dropAddress(cache.address)
			cache.waitForWithdrawal(withdrawalLimit)
			c.expectDirect(hub, image)

			w.fillDisk() // with what the removed file has left
			w.addAddress(cache.address)
			time.Sleep(returnLimit)
			c.expectDirect(hub, image)
			w.freeDisk()
			cache.waitForUse(returnLimit)
			c.expectCached(cache, image)
		})
	}
}
