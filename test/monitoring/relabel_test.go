package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

const job = "scrapeConfig/" + namespace + "/shoot-registry-cache"

// pod returns what Prometheus discovers of one port of a cache's pod, through the endpoints of a Service.
func pod(name, portName, portNumber string) map[string]string {
	return map[string]string{
		"__meta_kubernetes_namespace":                            "kube-system",
		"__meta_kubernetes_service_name":                         "registry-docker-io",
		"__meta_kubernetes_service_label_upstream_host":          "docker.io",
		"__meta_kubernetes_endpoint_ready":                       "true",
		"__meta_kubernetes_endpoint_port_name":                   portName,
		"__meta_kubernetes_endpoint_address_target_kind":         "Pod",
		"__meta_kubernetes_pod_name":                             name,
		"__meta_kubernetes_pod_ip":                               "10.96.0.7",
		"__meta_kubernetes_pod_node_name":                        "a",
		"__meta_kubernetes_pod_container_name":                   "registry-cache",
		"__meta_kubernetes_pod_container_port_name":              portName,
		"__meta_kubernetes_pod_container_port_number":            portNumber,
		"__meta_kubernetes_pod_label_app":                        "registry-docker-io",
		"__meta_kubernetes_pod_label_app_kubernetes_io_name":     "registry-cache",
		"__meta_kubernetes_pod_label_upstream_host":              "docker.io",
		"__meta_kubernetes_pod_labelpresent_upstream_host":       "true",
		"__meta_kubernetes_pod_annotation_prometheus_io_port":    "9",
		"__meta_kubernetes_pod_label_controller_revision_hash":   "registry-docker-io-5d4f",
		"__meta_kubernetes_service_annotation_upstream":          "docker.io",
		"__meta_kubernetes_pod_controller_kind":                  "StatefulSet",
		"__meta_kubernetes_service_annotationpresent_remote_url": "true",
	}
}

func with(labels map[string]string, changes map[string]string) map[string]string {
	labels = maps.Clone(labels)
	maps.Copy(labels, changes)
	return labels
}

// TestTargets: of what is discovered in kube-system, the debug ports of our pods are scraped, each once.
func TestTargets(t *testing.T) {
	debug := pod("registry-docker-io-0", "debug", "5001")
	discovered := []map[string]string{
		debug,
		pod("registry-docker-io-1", "debug", "5001"),
		pod("registry-docker-io-0", "registry-cache", "5000"),
		with(debug, map[string]string{"__meta_kubernetes_service_name": "another-service-of-the-same-pod"}),
		with(debug, map[string]string{"__meta_kubernetes_pod_name": "someones-0", "__meta_kubernetes_pod_label_app_kubernetes_io_name": "someones"}),
		with(debug, map[string]string{"__meta_kubernetes_pod_name": "unlabelled-0", "__meta_kubernetes_pod_label_upstream_host": ""}),
		{"__meta_kubernetes_service_name": "coredns", "__meta_kubernetes_pod_name": "coredns-1", "__meta_kubernetes_pod_container_port_name": "debug", "__meta_kubernetes_pod_container_port_number": "8080"},
		{"__meta_kubernetes_service_name": "kubernetes", "__meta_kubernetes_endpoint_port_name": "https"},
	}
	got := targets(t, discovered)
	want := map[string]map[string]string{}
	for _, name := range []string{"registry-docker-io-0", "registry-docker-io-1"} {
		want[name] = map[string]string{
			"__address__":              "kube-apiserver:443",
			"__scheme__":               "https",
			"__metrics_path__":         "/api/v1/namespaces/kube-system/pods/" + name + ":5001/proxy/metrics",
			"instance":                 "kube-apiserver:443",
			"job":                      "registry-cache-metrics",
			"type":                     "shoot",
			"pod":                      name,
			"upstream_host":            "docker.io",
			"app":                      "registry-docker-io",
			"app_kubernetes_io_name":   "registry-cache",
			"controller_revision_hash": "registry-docker-io-5d4f",
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the targets differ (-want +got):\n%s", diff)
	}
}

// targets lets Prometheus relabel what was discovered and returns the labels of the targets by pod. Two targets of one pod
// fail the test unless they are the same, since Prometheus scrapes equal targets once.
func targets(t *testing.T, discovered []map[string]string) map[string]map[string]string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yaml")
	write(t, config, marshal(t, prometheusConfig(t, discovered)))
	output := promtool(t, "check", "service-discovery", "--timeout=500ms", config, job)
	var results []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(output, &results); err != nil {
		t.Fatalf("reading what promtool found: %v\n%s", err, output)
	}
	if len(results) != len(discovered) {
		t.Fatalf("promtool must have seen %d targets, got %d:\n%s", len(discovered), len(results), output)
	}
	found := map[string]map[string]string{}
	for _, result := range results {
		if len(result.Labels) == 0 {
			continue // dropped
		}
		maps.DeleteFunc(result.Labels, func(name, _ string) bool { // what only Prometheus itself uses
			return strings.HasPrefix(name, "__") && !slices.Contains([]string{"__scheme__", "__address__", "__metrics_path__"}, name)
		})
		name := result.Labels["pod"]
		if before, ok := found[name]; ok && !maps.Equal(before, result.Labels) {
			t.Errorf("pod %q must be one target, got\n%v\n%v", name, before, result.Labels)
		}
		found[name] = result.Labels
	}
	return found
}

// prometheusConfig translates the ScrapeConfig into Prometheus' own configuration, as prometheus-operator does, but with
// static targets in place of a discovery.
func prometheusConfig(t *testing.T, discovered []map[string]string) map[string]any {
	t.Helper()
	spec := manifest.Map(object(t, "ScrapeConfig"), "spec")
	var static []any
	for i, labels := range discovered {
		static = append(static, map[string]any{"targets": []string{fmt.Sprintf("10.96.0.%d:5001", i)}, "labels": labels})
	}
	return map[string]any{"scrape_configs": []any{map[string]any{
		"job_name":               job,
		"scheme":                 strings.ToLower(manifest.Text(spec, "scheme")),
		"static_configs":         static,
		"relabel_configs":        snakeCase(spec["relabelings"]),
		"metric_relabel_configs": snakeCase(spec["metricRelabelings"]),
	}}}
}

var capital = regexp.MustCompile(`[A-Z]`)

// snakeCase renames keys: sourceLabels to source_labels.
func snakeCase(configs any) any {
	list, _ := configs.([]any)
	renamed := make([]any, len(list))
	for i, config := range list {
		fields := map[string]any{}
		for key, value := range config.(map[string]any) {
			fields[capital.ReplaceAllStringFunc(key, func(c string) string { return "_" + strings.ToLower(c) })] = value
		}
		renamed[i] = fields
	}
	return renamed
}
