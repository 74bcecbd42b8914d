//go:build node

package node

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// startHubAndTLSCache starts docker.io with an image and a cache with TLS, whose CA is in the file ca.crt of the world.
func (w *world) startHubAndTLSCache() (hub *upstream, c *cache, image string) {
	w.t.Helper()
	hub = w.startDockerHub()
	authority := newAuthority(w.t)
	w.write("ca.crt", string(authority.pem))
	return hub, w.startCache(hub, cacheAddress, authority), hub.push("library/one:1", 1, layerSize)
}

// copies returns the copies of CA files beside the hosts.toml of docker.io.
func (w *world) copies() []string {
	w.t.Helper()
	files, err := filepath.Glob(w.certs + "/" + dockerHub + "/*.pem")
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

func TestTLSWithCA(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndTLSCache()
		w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		w.dropAddress(cache.address)
		pullIfDialTimeout(c, image)
		cache.waitForWithdrawal(withdrawalLimit)
		c.expectDirect(hub, image)

		w.addAddress(cache.address)
		cache.waitForUse(returnLimit)
		c.expectCached(cache, image)
	})
}

// A new CA first makes the cache silent for a guard with the old file; with the new file it is used again. No pull fails
// at any moment.
func TestCARotated(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndTLSCache()
		w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)

		cache.process.kill()
		cache.ca = newAuthority(w.t)
		cache.start()
		c.expectDirect(hub, image) // containerd does not trust it and goes on
		cache.waitForWithdrawal(withdrawalLimit)
		c.expectDirect(hub, image)

		w.write("ca.crt", string(cache.ca.pem))
		cache.waitForUse(returnLimit)
		c.expectCached(cache, image)
		eventually(w.t, 3*returnLimit, "the old copy is removed", func() bool { return len(w.copies()) == 1 })
		c.expectCached(cache, image)
	})
}

// The files are exchanged in the order of a careful rotation: both CAs first, then the certificate, then the new CA alone.
func TestCARotatedWithBothTrustedBetween(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		_, cache, image := w.startHubAndTLSCache()
		w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForUse(startLimit)
		before := w.readHosts(dockerHub)
		changed := func() bool {
			if !w.uses(dockerHub, cache.endpoint) {
				w.t.Fatal("withdrawn in between")
			}
			now := w.readHosts(dockerHub)
			defer func() { before = now }()
			return now != before
		}

		next := newAuthority(w.t)
		w.write("ca.crt", string(cache.ca.pem)+string(next.pem))
		eventually(w.t, returnLimit, "the file names the bundle", changed)
		c.expectCached(cache, image)

		cache.process.kill()
		cache.ca = next
		cache.start()
		c.expectCached(cache, image)

		w.write("ca.crt", string(next.pem))
		eventually(w.t, returnLimit, "the file names the new CA", changed)
		c.expectCached(cache, image)
	})
}

// Nothing that containerd reads goes away with the CA file.
func TestCAFileDeletedUnderARunningGuard(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndTLSCache()
		w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForUse(startLimit)

		if err := os.Remove(w.dir + "/ca.crt"); err != nil {
			w.t.Fatal(err)
		}
		c.expectCached(cache, image)
		time.Sleep(withdrawalLimit)
		hub.requests.reset()
		c.pullWithin(image, fast) // whether through the cache or not
	})
}

// The same for a guard that starts without the file, over a hosts.toml of an earlier guard.
func TestCAFileDeletedBeforeTheGuardStarts(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndTLSCache()
		guard := w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForUse(startLimit)
		guard.kill()

		ca, err := os.ReadFile(w.dir + "/ca.crt")
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.Remove(w.dir + "/ca.crt"); err != nil {
			w.t.Fatal(err)
		}
		w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
		cache.waitForWithdrawal(withdrawalLimit)
		c.expectDirect(hub, image)

		w.write("ca.crt", string(ca))
		cache.waitForUse(returnLimit)
		c.expectCached(cache, image)
	})
}

// gardener-node-agent stops a unit that is gone, then removes the files; on a change of both, files may go first. A pull
// neither fails nor waits in either case.
func TestUnitAndCARemovedByGardenerNodeAgent(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndTLSCache()
		removeCA := func() {
			if err := os.Remove(w.dir + "/ca.crt"); err != nil {
				w.t.Fatal(err)
			}
		}
		for _, order := range []string{"unit first", "files first"} {
			w.write("ca.crt", string(cache.ca.pem))
			guard := w.startGuard("--ca-file", w.dir+"/ca.crt", cache.registry())
			cache.waitForUse(startLimit)
			if order == "files first" {
				removeCA()
			}
			c.expectCached(cache, image)
			guard.stop()
			if order == "unit first" {
				removeCA()
			}
			w.dropAddress(cache.address)
			c.expectDirect(hub, image)
			w.addAddress(cache.address)
		}
	})
}
