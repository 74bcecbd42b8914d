package monitoring

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// TestTypes: what prometheus-operator's types do not know would be dropped by the API server without a word.
func TestTypes(t *testing.T) {
	for name, object := range map[string]struct {
		from manifest.Object
		into interface {
			GetName() string
			GetNamespace() string
			GetLabels() map[string]string
		}
		labels map[string]string
	}{
		"registry-cache-dashboards": {object(t, "ConfigMap"), &corev1.ConfigMap{}, map[string]string{
			"component": "registry-cache", "dashboard.monitoring.gardener.cloud/shoot": "true",
		}},
		"shoot-registry-cache (PrometheusRule)": {object(t, "PrometheusRule"), &monitoringv1.PrometheusRule{}, map[string]string{"prometheus": "shoot"}},
		"shoot-registry-cache (ScrapeConfig)":   {object(t, "ScrapeConfig"), &monitoringv1alpha1.ScrapeConfig{}, map[string]string{"prometheus": "shoot"}},
	} {
		t.Run(name, func(t *testing.T) {
			decode(t, object.from, object.into)
			if got, want := object.into.GetName(), strings.Fields(name)[0]; got != want {
				t.Errorf("got name %q, want %q", got, want)
			}
			if got := object.into.GetNamespace(); got != namespace {
				t.Errorf("got namespace %q, want %q", got, namespace)
			}
			if diff := cmp.Diff(object.labels, object.into.GetLabels()); diff != "" {
				t.Errorf("the labels differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAlertsForOwners: Gardener's Alertmanager sends an alert to the owner of a cluster by these labels.
func TestAlertsForOwners(t *testing.T) {
	rule := &monitoringv1.PrometheusRule{}
	decode(t, object(t, "PrometheusRule"), rule)
	want := map[string]string{
		"service": "registry-cache-extension", "severity": "warning", "type": "shoot", "visibility": "owner",
	}
	durations := map[string]string{}
	for _, group := range rule.Spec.Groups {
		for _, r := range group.Rules {
			if r.Alert == "" {
				continue
			}
			durations[r.Alert] = string(*r.For)
			if diff := cmp.Diff(want, r.Labels); diff != "" {
				t.Errorf("the labels of %s differ (-want +got):\n%s", r.Alert, diff)
			}
		}
	}
	alerts := map[string]string{
		"RegistryCachePersistentVolumeUsageCritical":  "1h",
		"RegistryCachePersistentVolumeFullInFourDays": "1h",
		"RegistryCacheNotReady":                       "15m",
	}
	if diff := cmp.Diff(alerts, durations); diff != "" {
		t.Errorf("the alerts differ (-want +got):\n%s", diff)
	}
}
