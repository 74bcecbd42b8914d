//go:build integration

package integration

import (
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestForceDelete: the Extension goes although nobody deletes what is in the shoot, and the shoot does not answer.
func TestForceDelete(t *testing.T) {
	e := newEnv(t)
	for _, variant := range []struct{ name, kubeconfig string }{{"unreachable", unreachable}, {"broken", broken}} {
		s := e.newShoot("force-" + variant.name)
		e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
		e.expectCaches("docker-io", "quay-io")
		e.leaveCleaner(s, "ghcr.io")

		e.must(e.Process(cluster.ResourceManager).Stop(10 * time.Second))
		restore := e.noKubeconfig(s, variant.kubeconfig)
		e.must(s.MarkDeleted(e.ctx, true))
		elapsed := e.took("deleting by force with a kubeconfig that is "+variant.name, func() { e.disable(s) })
		if elapsed > 20*time.Second {
			t.Errorf("the deletion took %s, as if it had waited for something", elapsed)
		}
		e.must(e.beingDeleted(s, "extension-registry-cache", "extension-registry-cache-services", "extension-registry-configuration-cleaner"))
		e.must(e.seedIsEmpty(s))

		restore()
		e.must(e.StartResourceManager(e.ctx)) // for the next scenario the shoot must be empty
		e.expectNothing(s)
	}
}
