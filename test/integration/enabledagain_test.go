//go:build integration

package integration

import (
	"testing"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestEnabledAgainWhileHibernated: what was marked for deletion while nobody could delete it is deleted at wake-up. The caches
// must come after that, and not go with it.
func TestEnabledAgainWhileHibernated(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("again")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	e.must(s.Hibernate(e.ctx, true))
	e.must(e.Process(cluster.ResourceManager).Kill())
	e.disable(s)
	e.reconcile(s, config(plain("docker.io")))
	e.must(e.StartResourceManager(e.ctx))
	e.must(s.Hibernate(e.ctx, false))
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	e.expectStatus(s, "docker.io http docker-io")
	// Nothing of the deletion is still to come.
	for _, name := range []string{"extension-registry-cache", "extension-registry-cache-services"} {
		resource := managedResource(s, name)
		if err := e.gone(resource); err == nil || resource.DeletionTimestamp != nil {
			t.Errorf("the ManagedResource %s must be there to stay: %v", name, err)
		}
	}
}
