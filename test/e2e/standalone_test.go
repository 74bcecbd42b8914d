//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/tool"
)

// TestStandalone leads what kustomize prints for a plain cluster through the whole life of a cache.
func TestStandalone(t *testing.T) {
	e := newEnv(t, options{})
	manifests := e.pipe("", tool.Path(t, "kustomize"), "build", "overlays/standalone")
	image := e.pushHub("library/app:1")
	e.apply(manifests)
	t.Logf("used %s after it was applied", rounded(e.awaitUse(e.node, "docker.io")))
	e.pullThroughThenHit(image)

	e.expectServedInSilence(image)
	e.hub.Stop()
	e.hub.Reset()
	before := e.metrics(standaloneHub)
	t.Logf("pod without the upstream runs after %s", rounded(e.runPod("off", image, e.node)))
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
	e.must(e.hub.Start())

	node, err := e.AddNode(e.ctx)
	e.must(err)
	t.Logf("used %s after a second node was ready", rounded(e.awaitUse(node, "docker.io")))
	before = e.metrics(standaloneHub)
	t.Logf("pod on the second node runs after %s", rounded(e.runPod("joined", image, node)))
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
	e.removePod("off", image, e.node)
	e.removePod("joined", image, node)

	e.deleteAtOnce(image, func() { e.pipe(manifests, tool.Path(t, "kubectl"), "delete", "-f", "-") })
}

// TestStandaloneDoors leads what the other doors render through a short life each, on one cluster.
func TestStandaloneDoors(t *testing.T) {
	e := newEnv(t, options{})
	e.step("folder", (*env).folder)
	e.step("kpt", (*env).kpt)
	e.step("readme", (*env).readme)
}

// step runs a part of a scenario that leaves the cluster as it found it. If one fails, those behind it are not run.
func (e *env) step(name string, part func(*env)) {
	e.t.Helper()
	all := e.t
	defer func() { e.t = all }()
	if !all.Run(name, func(t *testing.T) { e.t = verdict{t, all.faults}; part(e) }) {
		all.FailNow()
	}
}

// shortLife applies a cache of Docker Hub and deletes it again.
func (e *env) shortLife(image string, apply, remove func()) {
	e.t.Helper()
	apply()
	e.t.Logf("used %s after it was applied", rounded(e.awaitUse(e.node, "docker.io")))
	e.pullThroughThenHit(image)
	e.deleteAtOnce(image, remove)
}

// pullThroughThenHit runs a pod whose image comes through the cache, and another one whose image the cache has.
func (e *env) pullThroughThenHit(image string) {
	e.t.Helper()
	e.hub.Reset()
	e.t.Logf("first pod runs after %s", rounded(e.runPod("first", image, e.node)))
	e.expectPulledThrough(e.hub)
	e.removePod("first", image, e.node)

	e.hub.Reset()
	before := e.metrics(standaloneHub)
	e.t.Logf("second pod runs after %s", rounded(e.runPod("second", image, e.node)))
	e.expectHits(e.hub, before, e.metrics(standaloneHub))
	e.removePod("second", image, e.node)
}

// expectServedInSilence runs pods of a cached image while packets to the upstream vanish: the first notices that, and the other one
// does not wait for long.
func (e *env) expectServedInSilence(image string) {
	e.t.Helper()
	e.must(e.hub.Swallow(true))
	for _, podName := range []string{"silence", "still"} {
		e.removeImage(image, e.node)
		before := e.metrics(standaloneHub)
		took := e.runPod(podName, image, e.node)
		e.t.Logf("pod %s runs after %s while packets to the upstream vanish", podName, rounded(took))
		e.expectHits(e.hub, before, e.metrics(standaloneHub))
		if took > time.Minute {
			e.t.Errorf("pod %s ran after %s", podName, took)
		}
		e.removePod(podName, image, e.node)
	}
	e.must(e.hub.Swallow(false))
}

// deleteAtOnce deletes all that was applied while a node pulls. Caches and the guards that withdraw them go at the same time, so
// that a pull of these moments may wait for a cache, though not for long; afterwards none does.
func (e *env) deleteAtOnce(image string, remove func()) {
	e.t.Helper()
	pulls := e.startPulls(e.node, image)
	start := time.Now()
	remove()
	e.t.Logf("deleting took %s", rounded(time.Since(start)))
	for _, node := range e.Nodes() {
		e.awaitDirect(node, "docker.io")
	}
	e.hub.Reset()
	e.eventually(time.Minute, "pulls go on", func() error {
		if count := directPulls(e.hub.Requests()); count < 3 {
			return fmt.Errorf("the node asked for %d images", count)
		}
		return nil
	})
	pulls.expectNoneFailed("deletion of everything at once", guardedPull)
	e.forgiveWaits("everything deleted at once")
	for _, node := range e.Nodes() {
		e.hub.Reset()
		took := e.pull(image, node)
		e.t.Logf("pulling on %s after all was deleted takes %s", node.Name, rounded(took))
		if took > direct {
			e.t.Errorf("pulling on %s after all was deleted takes %s", node.Name, took)
		}
		e.expectDirect(e.hub)
	}
}

// directPulls counts the images that nodes themselves asked for.
func directPulls(requests []cluster.Request) (count int) {
	for _, request := range requests {
		if request.FromNode() && request.Method == http.MethodHead && strings.Contains(request.Path, "/manifests/") {
			count++
		}
	}
	return count
}
