//go:build integration

package integration

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestMonitoring is there for as long as the caches are in this seed, and never for a Shoot that is for tests.
func TestMonitoring(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("monitoring")
	one := config(plain("docker.io"))
	e.reconcile(s, one)
	e.must(e.monitored(s, true))
	e.expectScrape(s)

	e.must(s.SetPurpose(e.ctx, gardencorev1beta1.ShootPurposeTesting))
	e.reconcile(s, one)
	e.must(e.monitored(s, false))
	moment := e.now()
	e.reconcile(s, one)
	e.must(e.monitored(s, false))
	for _, c := range e.since(moment, &corev1.ConfigMapList{}, &monitoringv1.PrometheusRuleList{}, &monitoringv1alpha1.ScrapeConfigList{}).in(s.Namespace) {
		if c.what == watch.Added {
			t.Errorf("a Shoot for tests got %s", c.id)
		}
	}

	e.must(s.SetPurpose(e.ctx, gardencorev1beta1.ShootPurposeProduction))
	e.reconcile(s, one)
	e.must(e.monitored(s, true))
	e.must(s.MigrateExtension(e.ctx, cacheExtension))
	e.must(e.monitored(s, false))
	e.must(s.RestoreExtension(e.ctx, cacheExtension, one, nil))
	e.must(s.WaitReady(e.ctx, cacheExtension))
	e.must(e.monitored(s, true))
	e.disable(s)
	e.must(e.monitored(s, false))
}

// TestMonitoringMended: what somebody changed or deleted in the seed is as it should be after the next reconciliation.
func TestMonitoringMended(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("mended")
	one := config(plain("docker.io"))
	e.reconcile(s, one)
	before := e.deployed(s)
	dashboards := &corev1.ConfigMap{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: "registry-cache-dashboards"}, dashboards))
	patched := dashboards.DeepCopy()
	clear(patched.Data)
	e.must(e.Client().Patch(e.ctx, patched, client.MergeFrom(dashboards)))
	scrape := &monitoringv1alpha1.ScrapeConfig{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: "shoot-registry-cache"}, scrape))
	e.must(e.Client().Delete(e.ctx, scrape))

	e.reconcile(s, one)
	e.must(e.monitored(s, true))
	want, got := before.content(), e.everything(s).content()
	for _, content := range []map[string]any{want, got} {
		maps.DeleteFunc(content, func(name string, _ any) bool { return name == "ScrapeConfig "+s.Namespace+"/shoot-registry-cache" })
	}
	e.expectSame(want, got)
}

// monitored returns an error unless all, or none, of the monitoring is in the seed under its names.
func (e *env) monitored(s *cluster.Shoot, want bool) (err error) {
	for kind, name := range monitoringNames {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		failed := e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: name}, object)
		if client.IgnoreNotFound(failed) != nil || meta.IsNoMatchError(failed) {
			return failed
		}
		if there := failed == nil; there != want {
			err = errors.Join(err, fmt.Errorf("%s %s is there: %v, want %v", kind.Kind, name, there, want))
		}
	}
	return err
}

// expectScrape fails unless Prometheus would reach the shoot's API server with the authority that gardenlet made, and has the
// rules and dashboards by the labels that it selects.
func (e *env) expectScrape(s *cluster.Shoot) {
	e.t.Helper()
	scrape := &monitoringv1alpha1.ScrapeConfig{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: "shoot-registry-cache"}, scrape))
	if scrape.Labels["prometheus"] != "shoot" || scrape.Spec.TLSConfig == nil || scrape.Spec.TLSConfig.CA.Secret == nil ||
		scrape.Spec.TLSConfig.CA.Secret.Name != "ca-bundle-0a1b2c3d" {
		e.t.Errorf("the ScrapeConfig has the labels %v and trusts %+v", scrape.Labels, scrape.Spec.TLSConfig)
	}
	rule := &monitoringv1.PrometheusRule{}
	e.must(e.Client().Get(e.ctx, client.ObjectKeyFromObject(scrape), rule))
	if rule.Labels["prometheus"] != "shoot" || len(rule.Spec.Groups) != 1 || rule.Spec.Groups[0].Name != "registry-cache.rules" {
		e.t.Errorf("the PrometheusRule has the labels %v and the groups %v", rule.Labels, rule.Spec.Groups)
	}
	dashboards := &corev1.ConfigMap{}
	e.must(e.Client().Get(e.ctx, client.ObjectKey{Namespace: s.Namespace, Name: "registry-cache-dashboards"}, dashboards))
	if dashboards.Labels["dashboard.monitoring.gardener.cloud/shoot"] != "true" || len(dashboards.Data) == 0 {
		e.t.Errorf("the ConfigMap has the labels %v and %d dashboards", dashboards.Labels, len(dashboards.Data))
	}
}
