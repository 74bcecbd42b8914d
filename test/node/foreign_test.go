//go:build node

package node

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// writeHosts writes a hosts.toml that the guard did not write.
func (w *world) writeHosts(upstream, content string) {
	w.t.Helper()
	if err := os.MkdirAll(w.certs+"/"+upstream, 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.hostsFile(upstream), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// A file that somebody else wrote stays as it is, whatever the cache does.
func TestForeignHostsFile(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		mirror := w.startCache(hub, otherCacheAddress, nil)
		content := fmt.Sprintf("# by hand\nserver = %q\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", hub.url, mirror.endpoint)
		w.writeHosts(dockerHub, content)
		guard := w.startGuard(cache.registry())
		time.Sleep(3 * time.Second)
		c.expectCached(mirror, image)
		guard.stop()
		if got := w.readHosts(dockerHub); got != content {
			w.t.Errorf("the file was changed: %s", got)
		}
	})
}

// When a landscape is taken over, gardener-node-agent removes the folder of an upstream that is no longer its own, and
// does so again with each of its runs. The right file is back at once, and pulls go well all the time.
func TestTakenOverFromGardenerNodeAgent(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.writeHosts(dockerHub, fmt.Sprintf("# managed by gardener-node-agent\nserver = %q\n\n[host.%q]\n  capabilities = [\"pull\",\"resolve\"]\n\n",
			hub.url, cache.endpoint))
		w.startGuard(cache.registry())
		c.expectCached(cache, image)
		for range 4 {
			if err := os.RemoveAll(w.certs + "/" + dockerHub); err != nil {
				w.t.Fatal(err)
			}
			c.pullWithin(image, fast)
			w.t.Logf("back after %.1f s", cache.waitForUse(repairLimit).Seconds())
			c.expectCached(cache, image)
		}
	})
}
