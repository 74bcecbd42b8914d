//go:build integration

package integration

import "testing"

// TestDeleteShoot: the nodes are gone before the Extension is, so that nobody cleans any; claims, whose disks cost money, go.
func TestDeleteShoot(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("delete")
	e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
	e.expectCaches("docker-io", "quay-io")

	e.must(s.MarkDeleted(e.ctx, false))
	moment := e.now()
	e.took("deleting the shoot", func() { e.disable(s) })
	e.must(e.shootObjects().has()) // at once: the extension has waited for it
	e.must(e.noManagedResources(s))
	e.expectNothing(s)
	e.expectNoCleaner(moment)
}
