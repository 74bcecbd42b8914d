//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/registries"
)

// TestGardener leads the caches of a Shoot with two nodes through their life: one is created, another one added, which has TLS, the
// latter is removed, and the extension disabled. Images are pulled all the while.
func TestGardener(t *testing.T) {
	g := newGardener(t, options{})
	quay, err := g.Internet().StartRegistry("https://quay.io", registries.UpstreamOptions{})
	g.must(err)
	second := g.addNode()
	hubImage, quayImage := g.pushHub("library/app:1"), "quay.io/org/app:1"
	g.push(quay, "org/app:1")

	t.Logf("create: the Extension took %s", rounded(g.configure(registryConfig(plainCache("docker.io")))))
	t.Logf("create: used on both nodes %s later", g.expectHosts([]string{"docker.io"}))
	g.expectThrough(g.hub, "docker-io", hubImage, g.node)
	g.expectStored(g.hub, "docker-io", hubImage, second)
	claims := g.claims()

	always := g.startPulls(second, g.pushHub("library/always:1"))
	t.Logf("add: the Extension took %s", rounded(g.configure(registryConfig(plainCache("docker.io"), securedCache("quay.io")))))
	t.Logf("add: used on both nodes %s later", g.expectHosts([]string{"docker.io", "quay.io"}))
	g.expectThrough(quay, "quay-io", quayImage, g.node)
	g.expectStored(quay, "quay-io", quayImage, second)

	moment := g.now()
	t.Logf("remove: the Extension took %s", rounded(g.reconcile(registryConfig(plainCache("docker.io")))))
	g.expectHosts([]string{"docker.io"}) // before any OperatingSystemConfig is written
	g.expectCleanedBefore(g.removalSince(moment), g.Nodes(), "registry-quay-io")
	g.expectEvent("NodesCleaned", "quay.io taken off 2 node(s)")
	g.expectDirectly(quay, quayImage)
	g.roll()
	g.expectHosts([]string{"docker.io"})
	g.eventually(time.Minute, "the claim of the cache that was removed is gone, and no other", func() error { // when the pod has stopped
		if got := g.claims(); !maps.Equal(got, claims) {
			return fmt.Errorf("the claims are %v, were %v before it was added", got, claims)
		}
		return nil
	})

	moment = g.now()
	t.Logf("disable: the Extension took %s", rounded(g.deleteExtension()))
	g.expectNoHosts()
	g.expectCleanedBefore(g.removalSince(moment), g.Nodes(), "registry-docker-io")
	g.expectNothingLeft()
	g.roll()
	g.expectNoHosts()
	g.expectGuard(false, g.Nodes()...)
	always.expectNoneFailed("adding, removing and disabling", guardedPull)
	g.expectDirectly(g.hub, hubImage)
}

// expectThrough runs a pod on a node whose image nobody has pulled, and fails unless the cache fetched it.
func (g *gardener) expectThrough(upstream *cluster.Registry, cache, image string, node *cluster.Node) {
	g.t.Helper()
	g.expectPod(shootCache(cache))
	upstream.Reset()
	g.t.Logf("%s: a first pod runs after %s", cache, rounded(g.runPod("first-"+cache, image, node)))
	g.expectPulledThrough(upstream)
	g.removePod("first-"+cache, image, node)
}

// expectStored runs a pod on a node whose image the cache has, and fails unless it came from there.
func (g *gardener) expectStored(upstream *cluster.Registry, cache, image string, node *cluster.Node) {
	g.t.Helper()
	upstream.Reset()
	before := g.metrics(shootCache(cache))
	g.t.Logf("%s: a further pod runs after %s", cache, rounded(g.runPod("again-"+cache, image, node)))
	g.expectHits(upstream, before, g.metrics(shootCache(cache)))
	g.removePod("again-"+cache, image, node)
}

// expectDirectly fails unless each node pulls an image from the upstream itself, at once.
func (g *gardener) expectDirectly(upstream *cluster.Registry, image string) {
	g.t.Helper()
	for _, node := range g.Nodes() {
		upstream.Reset()
		took := g.pull(image, node)
		if took > direct {
			g.t.Errorf("pulling %s directly on %s took %s", image, node.Name, took)
		}
		g.t.Logf("%s pulls %s directly in %s", node.Name, image, took.Round(time.Millisecond))
		g.expectDirect(upstream)
	}
}
