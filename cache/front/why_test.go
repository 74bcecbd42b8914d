package front_test

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"

	"github.com/registry-cache/registry-cache/cache/store"
)

// nearlyFull is a store with so much room, which a failed write gives back.
type nearlyFull struct {
	storagedriver.StorageDriver
	mu   sync.Mutex
	room int64
}

func (n *nearlyFull) take(size int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.room < size {
		return syscall.ENOSPC
	}
	n.room -= size
	return nil
}

func (n *nearlyFull) Writer(ctx context.Context, p string, appending bool) (storagedriver.FileWriter, error) {
	inner, err := n.StorageDriver.Writer(ctx, p, appending)
	return &nearlyFullWriter{FileWriter: inner, volume: n}, err
}

type nearlyFullWriter struct {
	storagedriver.FileWriter
	volume *nearlyFull
	taken  int64
}

func (w *nearlyFullWriter) Write(p []byte) (int, error) {
	if err := w.volume.take(int64(len(p))); err != nil {
		return 0, err
	}
	w.taken += int64(len(p))
	return w.FileWriter.Write(p)
}

func (w *nearlyFullWriter) Cancel(ctx context.Context) error {
	_ = w.volume.take(-w.taken)
	return w.FileWriter.Cancel(ctx)
}

// TestNearlyFullVolume pulls images of four layers of 0.9 MB, of which a volume with 2.6 MB free takes two. The stock
// registry breaks off in the middle of the third, at every attempt.
func TestNearlyFullVolume(t *testing.T) {
	i := newImage("library/image", 4, 900, 900_000, 900_000, 900_000, 900_000)
	u := newUpstream(i)
	t.Run("stock", func(t *testing.T) {
		c := newStock(t, u, t.TempDir())
		c.faults.StorageDriver = &nearlyFull{StorageDriver: c.faults.StorageDriver, room: 2_600_000}
		for range 2 {
			if err := c.pull(i); err == nil || !strings.Contains(err.Error(), "bytes that are not the upstream's") {
				t.Errorf("pull through the stock registry: %v, want a body that is broken off: is this cache needed?", err)
			}
		}
		c.close()
	})
	t.Run("ours", func(t *testing.T) {
		c := newApp(t, u, t.TempDir())
		heard := &listener{}
		c.observer = heard
		c.begin()
		c.faults.StorageDriver = &nearlyFull{StorageDriver: c.faults.StorageDriver, room: 2_600_000}
		c.mustPull(i)
		c.mustPull(i)
		c.close()
		if blobs, _ := c.check(); blobs != 4 { // manifest, configuration, two layers
			t.Errorf("%d blobs are stored, want 4", blobs)
		}
		if heard.noSpace.Load() == 0 {
			t.Error("the keeper was not told that there is no room")
		}
		if n := count(t, c.metrics.NotStored.WithLabelValues("no-space")); n != 4 {
			t.Errorf("%v pulls counted as not stored, want 4", n)
		}
	})
}

var _ store.Observer = (*listener)(nil)
