//go:build node

package node

import (
	"testing"
	"time"
)

// A cache starts on a volume without a free byte and serves what the upstream has.
func TestVolumeFull(t *testing.T) {
	eachVolume(t, 24<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		images := hub.pushImages(2, storeLayers, storeLayerSize)
		v.fill(0)
		ours := w.startOurs(hub, v)
		for range 2 {
			for _, image := range images {
				ours.expectMissed(c, image)
			}
		}
		ours.expectNotStored("no-space")
		ours.expectHealthy()
		v.release()
		for _, image := range images {
			ours.expectStored(c, image)
		}
	})
}

// Somebody else takes every byte in the middle of a pull, and each that the cache gives up for it.
func TestVolumeFilledBySomebodyElse(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, v := w.startSlowHub(3_000_000), w.mountVolume(24<<20)
		images := hub.pushImages(3, storeLayers, storeLayerSize)
		ours := w.startOurs(hub, v)
		ours.expectStored(c, images[0])

		stop, stopped := make(chan struct{}), make(chan struct{})
		hub.requests.reset()
		go func() {
			defer close(stopped)
			for begun := false; ; time.Sleep(20 * time.Millisecond) {
				select {
				case <-stop:
					return
				default:
				}
				if begun = begun || hub.requests.count("/blobs/") > 1; begun {
					v.fill(0)
				}
			}
		}()
		_, output, err := c.tryPull(images[1])
		if err != nil {
			w.t.Errorf("pulling while the volume is filled: %v: %s", err, output)
		}
		for range 2 {
			for _, image := range images {
				ours.expectPull(c, image)
			}
		}
		close(stop)
		<-stopped
		ours.expectNotStored("no-space")
		ours.expectHealthy()
		v.release()
		for _, image := range images {
			ours.expectStored(c, image)
		}
	})
}
