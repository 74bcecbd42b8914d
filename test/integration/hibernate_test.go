//go:build integration

package integration

import (
	"testing"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestHibernateAndWakeUp: while the Shoot sleeps nothing is written, whatever its owner and the extension's own restarts want;
// at wake-up all of it follows, and what stays keeps its identity.
func TestHibernateAndWakeUp(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("hibernate")
	e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
	before, status := e.expectCaches("docker-io", "quay-io"), e.status(s)
	wakeUp := e.fallAsleep(s)

	moment := e.now()
	changed := config(secured("ghcr.io"), secured("quay.io"))
	elapsed := e.took("reconciling while hibernated", func() { e.reconcile(s, changed) })
	if elapsed > 20*time.Second {
		t.Errorf("the reconciliation took %s, as if it had waited for something", elapsed)
	}
	e.must(e.extension.Stop(20 * time.Second))
	e.extension = e.startController("extension")
	e.waitHealthy(e.extension, "/readyz")
	e.reconcile(s, changed)
	e.expectNoWrites(s, moment)
	if now := e.status(s); len(now.Caches) != 2 || now.Caches[0] != status.Caches[0] || now.Caches[1] != status.Caches[1] {
		t.Errorf("the status is %+v, was %+v", now, status)
	}

	wakeUp()
	e.took("waking up", func() { e.reconcile(s, changed) })
	after := e.expectCaches("ghcr-io", "quay-io")
	e.same(before, after, objectsOf("quay-io")...)
	e.expectStatus(s, "ghcr.io https ghcr-io", "quay.io https quay-io")
	e.must(e.remove(e.ctx, s)) // here, because the extension that was started last is stopped first
}

// expectNoWrites fails if any object of the shoot was written since a moment, the Extension aside.
func (e *env) expectNoWrites(s *cluster.Shoot, moment string) {
	e.t.Helper()
	writes := e.since(moment, &resourcesv1alpha1.ManagedResourceList{}, &corev1.SecretList{}, &corev1.ConfigMapList{},
		&monitoringv1.PrometheusRuleList{}, &monitoringv1alpha1.ScrapeConfigList{},
		&corev1.ServiceList{}, &corev1.PersistentVolumeClaimList{}, &corev1.PodList{},
		&appsv1.StatefulSetList{}, &appsv1.DaemonSetList{}, &networkingv1.NetworkPolicyList{})
	if found := writes.in("kube-system", s.Namespace); len(found) > 0 {
		e.t.Errorf("there were writes:%s", found)
	}
}
