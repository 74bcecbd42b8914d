//go:build integration

package integration

import (
	"context"
	"testing"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestDisable: the nodes of a Shoot that lives on are cleaned first, then everything of ours goes, and nothing else.
func TestDisable(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("disable")
	strangers := e.createStrangers(s)
	e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
	e.eventually(30*time.Second, func() error {
		return e.shootObjects().has(append(objectsOf("docker-io", "quay-io"), "Service stranger")...)
	})
	e.expectMonitoring(s)
	if len(e.managedSecrets(s, "")) == 0 {
		t.Error("there are no certificates for a cache with TLS")
	}

	moment := e.now()
	e.took("disabling", func() { e.disable(s) })
	e.expectNothing(s, "Service stranger")
	for _, stranger := range strangers {
		version := stranger.GetResourceVersion()
		e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(stranger), stranger))
		if stranger.GetResourceVersion() != version {
			t.Errorf("%T %s was changed", stranger, stranger.GetName())
		}
	}
	writes := e.since(moment, &appsv1.DaemonSetList{}, &resourcesv1alpha1.ManagedResourceList{})
	for _, resource := range []string{cachesResource, servicesResource} {
		if err := writes.ordered(made(cleaner), cleans("docker.io", "quay.io"), ended(cleaner), goes(resource)); err != nil {
			t.Error(err)
		}
	}
}

// createStrangers creates objects that look like ours and are not, and removes them after the scenario.
func (e *env) createStrangers(s *cluster.Shoot) []client.Object {
	e.t.Helper()
	strangers := []client.Object{
		&corev1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: metav1.NamespaceSystem, Name: "stranger", Labels: map[string]string{"upstream-host": "docker.io", "app": "stranger"},
			},
			Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 5000}}},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "stranger", Labels: map[string]string{
			"managed-by": "secrets-manager", "manager-identity": "extension-stranger",
		}}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "stranger-dashboards", Labels: map[string]string{
			"component": "registry-cache", "dashboard.monitoring.gardener.cloud/shoot": "true",
		}}},
	}
	for _, stranger := range strangers {
		e.must(e.Client().Create(e.ctx, stranger))
	}
	e.t.Cleanup(func() {
		if err := e.Client().Delete(context.Background(), strangers[0]); err != nil { // the scenario's own context has ended
			e.t.Error(err)
		}
	})
	return strangers
}

// TestDisableWhileHibernated: nobody could clean nodes or delete anything in the shoot, and nobody waits for that. It is
// done at wake-up.
func TestDisableWhileHibernated(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("asleep")
	e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
	e.expectCaches("docker-io", "quay-io")
	e.leaveCleaner(s, "ghcr.io")
	wakeUp := e.fallAsleep(s)

	moment := e.now()
	elapsed := e.took("disabling while hibernated", func() { e.disable(s) })
	if elapsed > 20*time.Second {
		t.Errorf("the deletion took %s, as if it had waited for something", elapsed)
	}
	e.must(e.beingDeleted(s, "extension-registry-cache", "extension-registry-cache-services", "extension-registry-configuration-cleaner"))
	e.must(e.seedIsEmpty(s))
	writes := e.since(moment, &resourcesv1alpha1.ManagedResourceList{})
	e.must(writes.ordered(goes(cleanerResource), goes(cachesResource), goes(servicesResource)))
	for _, c := range writes.of(cleanerResource) {
		if c.object.GetDeletionTimestamp() == nil {
			t.Errorf("a cleaner was deployed:%s", writes)
		}
	}

	wakeUp()
	e.expectNothing(s)
}
