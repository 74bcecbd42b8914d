//go:build integration

package integration

import (
	"testing"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestLeftoverCleanerAtReconcile: a cleaner that an interrupted removal left behind goes before its upstream, which is wanted
// again, gets a cache: it would take it off every node that is still to come.
func TestLeftoverCleanerAtReconcile(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("wanted")
	e.leaveCleaner(s, "docker.io")

	moment := e.now()
	e.took("reconciling with a leftover cleaner", func() { e.reconcile(s, config(plain("docker.io"))) })
	e.expectCaches("docker-io")
	writes := e.since(moment, &appsv1.DaemonSetList{}, &corev1.ServiceList{})
	e.must(writes.ordered(ended(cleaner), made("Service registry-docker-io")))
	if len(writes.of(cleaner)) > 3 { // marked, let go by the garbage collector, ended
		t.Errorf("the cleaner was not just deleted:%s", writes.of(cleaner))
	}
}

// TestLeftoverCleanerAtDeletion: it goes first when the shoot is deleted.
func TestLeftoverCleanerAtDeletion(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("dying")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	e.leaveCleaner(s, "ghcr.io")

	e.must(s.MarkDeleted(e.ctx, false))
	moment := e.now()
	e.took("deleting a shoot with a leftover cleaner", func() { e.disable(s) })
	e.expectNothing(s)
	e.expectLeftoverFirst(moment)
}

// TestLeftoverCleanerAtMigration: unlike the caches it does not stay in the shoot.
func TestLeftoverCleanerAtMigration(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("moving")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	e.leaveCleaner(s, "ghcr.io")

	moment := e.now()
	e.took("migrating with a leftover cleaner", func() { e.must(s.MigrateExtension(e.ctx, cacheExtension)) })
	e.expectCaches("docker-io")
	e.expectLeftoverFirst(moment)
	e.must(s.RestoreExtension(e.ctx, cacheExtension, config(plain("docker.io")), nil))
	e.must(s.WaitReady(e.ctx, cacheExtension))
}

func (e *env) expectLeftoverFirst(moment string) {
	e.t.Helper()
	writes := e.since(moment, &appsv1.DaemonSetList{}, &resourcesv1alpha1.ManagedResourceList{})
	for _, resource := range []string{cachesResource, servicesResource} {
		if err := writes.ordered(goes(cleanerResource), ended(cleaner), goes(resource)); err != nil {
			e.t.Error(err)
		}
	}
}
