package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/distribution/distribution/v3/registry/proxy" // registers the metrics of a cache
	"github.com/gardener/gardener/pkg/client/kubernetes"
	"github.com/gardener/gardener/pkg/component"
	"github.com/gardener/gardener/pkg/component/observability/monitoring/kubestatemetrics"
	shootprometheus "github.com/gardener/gardener/pkg/component/observability/monitoring/prometheus/shoot"
	"github.com/gardener/gardener/pkg/features"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	fakesecretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager/fake"
	"github.com/google/go-cmp/cmp"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var metricName = regexp.MustCompile(`\b(kube|kubelet|registry)_[a-z_]+\b`)

// TestMetricsAreThere: an expression over a metric that nobody scrapes is not wrong, it only never says anything. So every
// metric of the rules and panels must be one that Gardener keeps of kube-state-metrics or the kubelet, or one that
// a registry has and the ScrapeConfig keeps.
func TestMetricsAreThere(t *testing.T) {
	kept := []*regexp.Regexp{kubeletMetrics(t)}
	kept = append(kept, kubeStateMetrics(t)...)
	text := string(rules(t))
	for _, expr := range expressions(t) {
		text += "\n" + expr
	}
	used := metricName.FindAllString(text, -1)
	slices.Sort(used)
	used = slices.Compact(used)
	if len(used) < 10 {
		t.Fatalf("the rules and panels must use more metrics than %q", used)
	}
	for _, name := range used {
		if strings.HasPrefix(name, "registry_") {
			continue // below
		}
		if !slices.ContainsFunc(kept, func(r *regexp.Regexp) bool { return r.MatchString(name) }) {
			t.Errorf("Prometheus of a shoot has no metric %s", name)
		}
	}
	registry := registryMetrics(t)
	ours := &monitoringv1alpha1.ScrapeConfig{}
	decode(t, object(t, "ScrapeConfig"), ours)
	for _, name := range used {
		if strings.HasPrefix(name, "registry_") && (!slices.Contains(registry, name) || !keep(t, ours).MatchString(name)) {
			t.Errorf("a registry has no metric %s, or the ScrapeConfig drops it", name)
		}
	}
}

// registryMetrics returns the metrics that a registry has from its start.
func registryMetrics(t *testing.T) []string {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, family := range families {
		names = append(names, family.GetName())
	}
	return names
}

// keep returns the pattern of the metrics that a ScrapeConfig keeps.
func keep(t *testing.T, config *monitoringv1alpha1.ScrapeConfig) *regexp.Regexp {
	t.Helper()
	for _, c := range config.Spec.MetricRelabelConfigs {
		if c.Action == "keep" && len(c.SourceLabels) == 1 && c.SourceLabels[0] == "__name__" {
			return regexp.MustCompile("^(?s:" + c.Regex + ")$") // as Prometheus anchors it
		}
	}
	t.Fatalf("ScrapeConfig %s must say which metrics it keeps", config.Name)
	return nil
}

// kubelet returns the ScrapeConfig with which Gardener scrapes the kubelets of a shoot through its kube-apiserver.
func kubelet(t *testing.T) *monitoringv1alpha1.ScrapeConfig {
	t.Helper()
	if err := features.DefaultFeatureGate.Add(features.GetFeatures(features.OpenTelemetryCollector)); err != nil {
		t.Fatal(err) // gardenlet registers it when it starts
	}
	for _, config := range shootprometheus.CentralScrapeConfigs(namespace, caSecret, false) {
		if config.Name == "kube-kubelet" {
			return config
		}
	}
	t.Fatal("Gardener has no ScrapeConfig kube-kubelet")
	return nil
}

func kubeletMetrics(t *testing.T) *regexp.Regexp {
	t.Helper()
	return keep(t, kubelet(t))
}

// kubeStateMetrics returns the patterns of what the kube-state-metrics of a shoot is told to say about kube-system.
func kubeStateMetrics(t *testing.T) []*regexp.Regexp {
	t.Helper()
	container := kubeStateMetricsDeployment(t).Spec.Template.Spec.Containers[0]
	var patterns []*regexp.Regexp
	flags := map[string]string{}
	for _, arg := range container.Args {
		name, value, _ := strings.Cut(arg, "=")
		flags[name] = value
	}
	for _, pattern := range strings.Split(flags["--metric-allowlist"], ",") {
		patterns = append(patterns, regexp.MustCompile(pattern))
	}
	for _, resource := range []string{"nodes", "pods", "statefulsets"} {
		if !slices.Contains(strings.Split(flags["--resources"], ","), resource) {
			t.Errorf("kube-state-metrics must look at %s, its arguments are %q", resource, container.Args)
		}
	}
	if flags["--namespaces"] != metav1.NamespaceSystem {
		t.Errorf("kube-state-metrics must look at kube-system, its arguments are %q", container.Args)
	}
	return patterns
}

// kubeStateMetricsDeployment lets Gardener's component deploy itself for a shoot and returns the Deployment.
func kubeStateMetricsDeployment(t *testing.T) *appsv1.Deployment {
	t.Helper()
	kubeconfig := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "generic-token-kubeconfig", Namespace: namespace}}
	client := fake.NewClientBuilder().WithScheme(kubernetes.SeedScheme).WithObjects(kubeconfig).Build()
	values := kubestatemetrics.Values{ClusterType: component.ClusterTypeShoot, Replicas: 1}
	manager := fakesecretsmanager.New(client, namespace)
	if err := kubestatemetrics.New(client, namespace, manager, values).Deploy(t.Context()); err != nil {
		t.Fatal(err)
	}
	objects, err := managedresources.GetObjects(t.Context(), client, namespace, "shoot-core-kube-state-metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if deployment, ok := o.(*appsv1.Deployment); ok {
			return deployment
		}
	}
	t.Fatal("Gardener deployed no kube-state-metrics")
	return nil
}

// TestReachesTheAPIServerAsGardenerDoes: same server, same token, same CA, so where Gardener's own metrics of the kubelets
// come from, ours do too.
func TestReachesTheAPIServerAsGardenerDoes(t *testing.T) {
	ours, theirs := &monitoringv1alpha1.ScrapeConfig{}, kubelet(t)
	decode(t, object(t, "ScrapeConfig"), ours)
	type access struct{ Scheme, Authorization, TLS, Server, Namespaces, SDAuthorization, SDTLS any }
	of := func(c *monitoringv1alpha1.ScrapeConfig) access {
		sd := c.Spec.KubernetesSDConfigs[0]
		return access{c.Spec.Scheme, c.Spec.Authorization, c.Spec.TLSConfig, sd.APIServer, sd.Namespaces, sd.Authorization, sd.TLSConfig}
	}
	if diff := cmp.Diff(of(theirs), of(ours)); diff != "" {
		t.Errorf("the way to the API server differs (-Gardener's +ours):\n%s", diff)
	}
}
