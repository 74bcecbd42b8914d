//go:build node

package node

import (
	"testing"
	"time"
)

// clean runs the cleaner on the node.
func (w *world) clean(upstreams ...string) {
	w.t.Helper()
	env := []string{"CERTS_DIR=" + w.certs, "STATE_DIR=" + w.state}
	cleaner := w.start(w.node, env, append([]string{"dash", script(w.t, "clean-containerd-registries.sh")}, upstreams...)...)
	cleaner.wait(w.t, fast)
	if cleaner.err != nil {
		w.t.Fatalf("cleaning: %v: %s", cleaner.err, cleaner.log.String())
	}
}

// Before a cache goes, the cleaner withdraws it on every node. A guard that still has it in its list does not use it
// again, not even after a restart, though the cache answers. With another endpoint it is a new cache.
func TestCleanerAgainstAGuard(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		w.clean(dockerHub)
		c.expectDirect(hub, image)
		time.Sleep(10 * time.Second) // a probe and several looks at the files
		c.expectDirect(hub, image)
		w.dropAddress(cache.address)
		c.expectDirect(hub, image)
		w.addAddress(cache.address)

		guard.stop()
		guard = w.startGuard(cache.registry())
		time.Sleep(3 * time.Second)
		c.expectDirect(hub, image)
		guard.stop()

		other := w.startCache(hub, otherCacheAddress, nil)
		w.startGuard(other.registry())
		other.waitForUse(startLimit)
		c.expectCached(other, image)
	})
}

// A guard that starts without an upstream that it had removes what is left of it.
func TestNoLongerListed(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		guard.kill()
		w.dropAddress(cache.address)
		w.startGuard(registryArgument("other.test", "http://"+otherCacheAddress+":5000", "https://other.test"))
		eventually(w.t, startLimit, "the file is removed", func() bool { return w.readHosts(dockerHub) == "" })
		c.expectDirect(hub, image)
	})
}
