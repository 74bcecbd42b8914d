//go:build node

package node

import (
	"syscall"
	"testing"
	"time"
)

// dieAndReturn lets a cache in use die and come back, and fails unless containerd is told of both in time and no pull
// waits for the dead cache after that. While the cache is dead and the file still names it, while pulls.
func dieAndReturn(t *testing.T, die, revive func(*cache), while func(c *containerd, image string)) {
	t.Helper()
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		died := time.Now()
		die(cache)
		while(c, image)
		cache.waitForWithdrawal(withdrawalLimit - time.Since(died))
		w.t.Logf("withdrawn after %.1f s", time.Since(died).Seconds())
		c.expectDirect(hub, image)

		revive(cache)
		w.t.Logf("used again after %.1f s", cache.waitForUse(returnLimit).Seconds())
		c.expectCached(cache, image)
	})
}

// What dial_timeout does not cure is 30 seconds for each of four requests: too long to watch here, see TestFigures.
func pullIfDialTimeout(c *containerd, image string) {
	if c.version.dialTimeout {
		c.w.t.Logf("pulled in %s before the withdrawal", c.pullWithin(image, 8*time.Second))
	}
}

func TestAddressSwallowsPackets(t *testing.T) {
	dieAndReturn(t,
		func(c *cache) { c.w.dropAddress(c.address) },
		func(c *cache) { c.w.addAddress(c.address) },
		pullIfDialTimeout)
}

func TestConnectionRefused(t *testing.T) {
	dieAndReturn(t,
		func(c *cache) { c.process.kill() },
		func(c *cache) { c.start() },
		func(c *containerd, image string) { c.pullWithin(image, fast) })
}

// A pull that has already been accepted hangs until the cache is there again or containerd gives up (2.3 and later after
// 30 seconds), so there is none before the withdrawal.
func TestAcceptsAndNeverAnswers(t *testing.T) {
	dieAndReturn(t,
		func(c *cache) { c.process.signal(c.w.t, syscall.SIGSTOP) },
		func(c *cache) { c.process.signal(c.w.t, syscall.SIGCONT) },
		func(*containerd, string) {})
}

// A node that starts before its cache is direct, and uses the cache from the moment it answers.
func TestCacheComesAfterTheGuard(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startDockerHub()
		image := hub.push("library/one:1", 1, layerSize)
		w.startGuard(registryArgument(dockerHub, "http://"+cacheAddress+":5000", hub.url))
		time.Sleep(3 * time.Second)
		c.expectDirect(hub, image)

		cache := w.startCache(hub, cacheAddress, nil) // returns when the cache has answered
		w.t.Logf("used after %.1f s", cache.waitForUse(startLimit).Seconds())
		c.expectCached(cache, image)
	})
}

// A cache that answers with errors costs no time: containerd goes on to the upstream at once. The guard leaves it in use.
func TestAnswers500(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)

		cache.process.kill()
		failing := w.startFailing(cache.address + ":5000")
		c.expectDirect(hub, image)
		if failing.count("/manifests/") == 0 {
			w.t.Error("the failing cache was not asked")
		}
		eventually(w.t, withdrawalLimit, "a probe", func() bool { return failing.probes() > 0 })
		time.Sleep(repairLimit)
		if !w.uses(dockerHub, cache.endpoint) {
			w.t.Errorf("withdrawn: %s", w.readHosts(dockerHub))
		}
		c.expectDirect(hub, image)
	})
}

// A pull that is under way when the cache dies goes on with the upstream.
func TestDiesInTheMiddleOfAPull(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub := w.startSlowHub(500_000)
		image := hub.push("library/big:1", 1, 1_000_000) // two seconds
		cache := w.startCache(hub, cacheAddress, nil)
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)

		pulled := make(chan time.Duration, 1)
		go func() {
			defer close(pulled)
			took, output, err := c.tryPull(image)
			if err != nil {
				w.t.Errorf("pulling: %v: %s", err, output)
				return
			}
			pulled <- took
		}()
		eventually(w.t, fast, "the cache fetches blobs", func() bool { return hub.requests.count("GET", "/blobs/") >= 2 })
		time.Sleep(700 * time.Millisecond)
		cache.process.kill()
		if took := <-pulled; took > 3*fast {
			w.t.Errorf("the pull took %s", took)
		}
		if hub.requests.count(nodeAddress+" ", "GET", "/blobs/") == 0 {
			w.t.Error("the pull did not go on with the upstream")
		}
	})
}

// Content that the cache holds is served without the upstream.
func TestUpstreamDies(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)
		hub.stop()
		c.expectCached(cache, image)
	})
}
