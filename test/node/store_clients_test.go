//go:build node

package node

import (
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Fifty clients pull at once through a volume that has room for a part of it. Each pull succeeds, and no blob is asked for
// more often than it is pulled.
func TestFiftyClientsAtOnce(t *testing.T) {
	const images, clients, layers, size = 25, 50, 2, 200_000 // over 10 MB
	eachVolume(t, 6<<20, func(w *world, c *containerd, hub *upstream, v *volume) {
		names := hub.pushImages(images, layers, size)
		ours := w.startOurs(hub, v)
		for round := range 2 {
			hub.requests.reset()
			c.pullAtOnce(names, clients)
			hub.expectFromNode(0)
			fetched := hub.requests.count(" GET ", "/blobs/")
			w.t.Logf("round %d: the upstream was asked for %d blobs", round, fetched)
			if fetched == 0 || fetched > clients*(layers+1) {
				w.t.Errorf("the upstream was asked for %d blobs", fetched)
			}
			c.removeAll(names)
		}
		ours.expectHealthy()
		ours.expectStored(c, names[0])
	})
}

// pullAtOnce pulls by so many clients, each an image.
func (c *containerd) pullAtOnce(images []string, clients int) {
	c.w.t.Helper()
	var group sync.WaitGroup
	for i := range clients {
		group.Go(func() {
			image := images[i%len(images)]
			if output, err := exec.Command(c.cripull, c.socket, "pull", image).CombinedOutput(); err != nil {
				c.w.t.Errorf("pulling %s: %v: %s", image, err, output)
			}
		})
	}
	group.Wait()
}

// removeAll removes images with their content.
func (c *containerd) removeAll(images []string) {
	c.w.t.Helper()
	for _, image := range images {
		if output, err := exec.Command(c.cripull, c.socket, "remove", image).CombinedOutput(); err != nil {
			c.w.t.Fatalf("removing %s: %v: %s", image, err, output)
		}
	}
	content := []string{"--address", c.socket, "--namespace", "k8s.io", "content", "ls", "--quiet"}
	eventually(c.w.t, storeAgainLimit, "the images' content is removed", func() bool {
		output, err := exec.Command(c.version.ctr, content...).Output()
		return err == nil && len(strings.Fields(string(output))) == 0
	})
}
