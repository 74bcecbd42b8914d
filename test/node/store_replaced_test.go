//go:build node

package node

import (
	"testing"
	"time"
)

// A volume that is replaced by an empty one, at rest or in the middle of a pull, is filled anew; when it comes back it is
// served from.
func TestVolumeReplaced(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, v := w.startSlowHub(4_000_000), w.mountVolume(24<<20)
		images := hub.pushImages(3, storeLayers, storeLayerSize)
		ours := w.startOurs(hub, v)
		ours.expectStored(c, images[0])

		ours.inCache("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", v.folder)
		ours.expectMissed(c, images[0])
		ours.expectStored(c, images[0])

		pulled := make(chan int)
		go func() { pulled <- ours.expectPull(c, images[1]) }()
		eventually(w.t, 10*time.Second, "the pull has begun", func() bool { return hub.requests.count(" GET ", "library/image1/blobs/") > 1 })
		ours.inCache("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", v.folder)
		<-pulled
		ours.expectPull(c, images[1])
		ours.expectStored(c, images[1])
		ours.expectStored(c, images[0])

		ours.inCache("umount", "--lazy", v.folder)
		ours.inCache("umount", "--lazy", v.folder)
		ours.expectStored(c, images[0])
		ours.expectStored(c, images[2])
		ours.expectHealthy()
	})
}
