//go:build node

package node

import "testing"

// A volume that was remounted read-only is still served from, beside what the upstream has, and stores again when it is
// writable; also by a cache that was started meanwhile.
func TestVolumeRemountedReadOnly(t *testing.T) {
	eachVolume(t, 24<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		images := hub.pushImages(3, storeLayers, storeLayerSize)
		ours := w.startOurs(hub, v)
		ours.expectStored(c, images[0])
		v.remount("ro")
		for range 2 {
			if fetched := ours.expectPull(c, images[0]); fetched > 0 {
				w.t.Errorf("the upstream was asked for %d blobs that are stored", fetched)
			}
			ours.expectMissed(c, images[1])
		}
		ours.expectNotStored("read-only")
		ours.expectHealthy()
		v.remount("rw")
		ours.expectStored(c, images[1])

		v.remount("ro")
		ours.process.kill()
		ours.start()
		if fetched := ours.expectPull(c, images[1]); fetched > 0 {
			w.t.Errorf("after a restart the upstream was asked for %d blobs that are stored", fetched)
		}
		ours.expectMissed(c, images[2])
		ours.expectHealthy()
		v.remount("rw")
		ours.inCache("mount", "-o", "remount,rw", v.folder) // it began with a mount that was read-only in itself
		ours.expectStored(c, images[2])
	})
}
