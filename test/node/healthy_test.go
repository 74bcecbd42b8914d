//go:build node

package node

import (
	"os/exec"
	"testing"
)

// A cache that answers serves each pull: the first from the upstream, the second by itself.
func TestHealthyCache(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)

		c.expectCached(cache, image)
		if hub.requests.count("/blobs/") == 0 {
			w.t.Error("the cache did not ask the upstream")
		}
		c.expectCached(cache, image)
		if hub.requests.count("/blobs/") != 0 {
			w.t.Error("the cache asked the upstream again")
		}
	})
}

// The clients that come with containerd read the same files, when they are told where these are.
func TestCtrReadsTheSameFiles(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)

		ctr := w.start(w.node, []string{"SSL_CERT_FILE=" + w.dir + "/upstream-ca.crt"}, c.version.ctr, "--address", c.socket,
			"images", "pull", "--hosts-dir", w.certs, "--snapshotter", "native", "--platform", "linux/amd64", image)
		ctr.wait(w.t, fast)
		if ctr.err != nil {
			w.t.Errorf("%v: %s", ctr.err, ctr.log.String())
		}
		cache.expectBlobs(2)
		hub.expectFromNode(0)
	})
}

// Without any file of ours containerd asks the upstream.
func TestNoGuardIsDirect(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startDockerHub()
		c.expectDirect(hub, hub.push("library/one:1", 1, layerSize))
		if output, err := exec.Command("find", w.certs).Output(); err == nil {
			w.t.Errorf("files of nobody: %s", output)
		}
	})
}
