//go:build integration

package integration

import "testing"

// TestAddAnUpstream: the caches that are there already do not notice, and the status follows the order of the config.
func TestAddAnUpstream(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("add")
	e.reconcile(s, config(secured("quay.io"), plain("docker.io")))
	before := e.expectCaches("quay-io", "docker-io")
	moment := e.now()
	e.took("adding an upstream", func() { e.reconcile(s, config(secured("quay.io"), plain("ghcr.io"), plain("docker.io"))) })
	after := e.expectCaches("quay-io", "docker-io", "ghcr-io")
	e.same(before, after, objectsOf("quay-io", "docker-io")...)
	e.expectStatus(s, "quay.io https quay-io", "ghcr.io http ghcr-io", "docker.io http docker-io")
	e.expectNoCleaner(moment)
}
