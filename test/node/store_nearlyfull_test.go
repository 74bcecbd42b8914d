//go:build node

package node

import (
	"os"
	"strings"
	"testing"
)

// With 2.6 MB free the stock registry breaks off each pull of an image of four layers of 0.9 MB, and each attempt to repeat
// it: the node had the beginning of a response, so it asks nobody else. Ours serves all of them.
func TestVolumeNearlyFull(t *testing.T) {
	const room = 2_600_000
	eachVolume(t, 24<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		images := hub.pushImages(3, storeLayers, storeLayerSize)
		v.fill(room)

		stock := w.startStock(hub, v)
		for _, image := range images {
			for range 2 {
				if _, output, err := c.tryPull(image); err == nil || !brokenOff(output) {
					w.t.Errorf("pulling %s through the stock registry: %v: %s, want that it is broken off: is this cache needed?", image, err, output)
				}
			}
		}
		stock.process.kill()
		if err := os.RemoveAll(v.data()); err != nil {
			w.t.Fatal(err)
		}
		if free := v.free(); free < room-8192 || free > room+8192 {
			w.t.Fatalf("%d bytes are free", free)
		}

		ours := w.startOurs(hub, v)
		for _, image := range images {
			ours.expectPull(c, image)
			ours.expectPull(c, image)
		}
		ours.expectNotStored("no-space")
		ours.expectHealthy()
		v.release()
		for _, image := range images {
			ours.expectStored(c, image)
		}
	})
}

// brokenOff says whether containerd complains about a response that ended early, each line of it in several ways.
func brokenOff(output string) bool {
	for _, complaint := range []string{"unexpected commit digest", "unexpected EOF", "short read"} {
		if strings.Contains(output, complaint) {
			return true
		}
	}
	return false
}

// A volume that the cache fills itself is never full for long: what was not used for longest goes.
func TestVolumeTooSmallForAllImages(t *testing.T) {
	eachVolume(t, 9<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		ours := w.startOurs(hub, v)
		for _, image := range hub.pushImages(5, storeLayers, storeLayerSize) {
			ours.expectStored(c, image)
		}
		if evicted := ours.metric("registry_cache_evictions_total", "cause", "space"); evicted < storeBlobs {
			w.t.Errorf("%v blobs were evicted", evicted)
		}
		ours.expectHealthy()
	})
}
