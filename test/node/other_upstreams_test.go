//go:build node

package node

import (
	"os"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// containerd would ask an unknown upstream by https, so a plain one needs a file while its cache is silent, too.
func TestUpstreamOnPlainHTTP(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		plain := w.startUpstream("plain.test:5000", "http://plain.test:5000", "10.78.0.2", registries.UpstreamOptions{})
		image := plain.push("library/one:1", 1, layerSize)
		w.startGuard(registryArgument(plain.name, "http://"+cacheAddress+":5000", plain.url))
		eventually(w.t, withdrawalLimit, "a direct file", func() bool { return w.uses(plain.name, plain.url) })
		c.expectDirect(plain, image)

		cache := w.startCache(plain, cacheAddress, nil)
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		w.dropAddress(cache.address)
		eventually(w.t, withdrawalLimit, "a direct file", func() bool { return w.uses(plain.name, plain.url) })
		c.expectDirect(plain, image)
	})
}

func TestUpstreamWithPort(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		ported := w.startUpstream("ported.test:5443", "https://ported.test:5443", "10.78.0.2", registries.UpstreamOptions{})
		image := ported.push("library/one:1", 1, layerSize)
		cache := w.startCache(ported, cacheAddress, nil)
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		cache.process.kill()
		cache.waitForWithdrawal(withdrawalLimit)
		c.expectDirect(ported, image)
	})
}

// While nothing is known of a cache of an upstream that containerd finds by itself, there is no file and no folder, which
// would hide _default.
func TestDefaultUpstreamNeedsNoFile(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startDockerHub()
		image := hub.push("library/one:1", 1, layerSize)
		w.startGuard(registryArgument(dockerHub, "http://"+cacheAddress+":5000", hub.url))
		c.expectDirect(hub, image)
		if _, err := os.Stat(w.certs + "/" + dockerHub); err == nil {
			w.t.Error("there is a folder")
		}
	})
}
