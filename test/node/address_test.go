//go:build node

package node

import (
	"context"
	"net"
	"testing"
	"time"
)

// An endpoint may be a name: containerd is given the address behind it, and the next one when it changes.
func TestServiceAddressChangesBehindItsName(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.setName("cache.test", cache.address)
		w.startGuard(registryArgument(dockerHub, "http://cache.test:5000", hub.url))
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		other := w.startCache(hub, otherCacheAddress, nil)
		w.setName("cache.test", other.address)
		w.dropAddress(cache.address)
		w.t.Logf("followed after %.1f s", other.waitForUse(returnLimit).Seconds())
		c.expectCached(other, image)
	})
}

// An address that changes while the old one answers for a while is followed too.
func TestServiceAddressChangesWhileTheOldOneAnswers(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.setName("cache.test", cache.address)
		w.startGuard(registryArgument(dockerHub, "http://cache.test:5000", hub.url))
		cache.waitForUse(startLimit)

		other := w.startCache(hub, otherCacheAddress, nil)
		w.setName("cache.test", other.address)
		other.waitForUse(returnLimit)
		c.expectCached(other, image)
	})
}

// The unit is restarted with other arguments when gardener-node-agent gets another address.
func TestServiceAddressIsGivenAnew(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)

		other := w.startCache(hub, otherCacheAddress, nil)
		w.dropAddress(cache.address)
		guard.stop()
		if !w.direct(hub) {
			w.t.Errorf("a guard that has stopped leaves %s", w.readHosts(dockerHub))
		}
		w.startGuard(other.registry())
		other.waitForUse(startLimit)
		c.expectCached(other, image)
	})
}

// The address of a guard that was killed, whose cache is gone, is not used for long by the next one.
func TestGuardIsKilledAndTheCacheDies(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		guard.kill()
		w.dropAddress(cache.address)

		w.startGuard(cache.registry())
		w.t.Logf("withdrawn after %.1f s", cache.waitForWithdrawal(5*time.Second).Seconds())
		c.expectDirect(hub, image)
	})
}

// expectCachedIfIPv6 expects what containerd makes of a hosts.toml that names an IPv6 address.
func (c *containerd) expectCachedIfIPv6(cache *cache, image string) {
	c.w.t.Helper()
	if c.version.ipv6 {
		c.expectCached(cache, image)
	} else {
		c.expectDirect(cache.upstream, image)
	}
}

// waitForRoute waits until a node reaches the cache at all: a link that has just come up loses the first packets of IPv6, and
// what is measured from then on is the guard.
func (w *world) waitForRoute(c *cache) {
	w.t.Helper()
	for range 100 {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		connection, err := w.node.Dial(ctx, "tcp", net.JoinHostPort(c.address, "5000"))
		cancel()
		if err == nil {
			_ = connection.Close() // that it could be made is all we wanted to know
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("the node does not reach %s", c.address)
}

func TestIPv6(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startDockerHub()
		image := hub.push("library/one:1", 1, layerSize)
		cache := w.startCache(hub, cacheAddress6, nil)
		w.waitForRoute(cache)
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCachedIfIPv6(cache, image)

		w.dropAddress(cache.address)
		pullIfDialTimeout(c, image)
		cache.waitForWithdrawal(withdrawalLimit)
		c.expectDirect(hub, image)
	})
}

// A name with an IPv6 address is followed as well.
func TestIPv6BehindAName(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startDockerHub()
		image := hub.push("library/one:1", 1, layerSize)
		cache := w.startCache(hub, cacheAddress6, nil)
		w.setName("cache.test", cache.address)
		w.waitForRoute(cache)
		w.startGuard(registryArgument(dockerHub, "http://cache.test:5000", hub.url))
		cache.waitForUse(startLimit)
		c.expectCachedIfIPv6(cache, image)
	})
}
