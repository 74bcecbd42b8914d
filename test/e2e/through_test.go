//go:build e2e

package e2e

import (
	"net/http"
	"strings"

	"k8s.io/client-go/kubernetes"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/registries"
)

// cachePod names the pod of a cache.
type cachePod struct{ namespace, name string }

var standaloneHub = cachePod{"registry-cache", "registry-docker-io-0"}

// metrics reads the counters of a cache through the API server.
func (e *env) metrics(pod cachePod) registries.ProxyMetrics {
	e.t.Helper()
	clients, err := kubernetes.NewForConfig(e.RESTConfig())
	e.must(err)
	text, err := clients.CoreV1().Pods(pod.namespace).ProxyGet("http", pod.name, "5001", "metrics", nil).DoRaw(e.ctx)
	e.must(err)
	metrics, err := registries.ReadProxyMetrics(strings.NewReader(string(text)))
	e.must(err)
	return metrics
}

// expectPulledThrough fails unless all that an upstream was asked for since its last reset, it was asked by a pod, and there was
// something.
func (e *env) expectPulledThrough(registry *cluster.Registry) {
	e.t.Helper()
	blobs := 0
	for _, request := range registry.Requests() {
		switch {
		case request.FromNode():
			e.t.Errorf("a node asked the upstream itself: %+v", request)
		case strings.Contains(request.Path, "/blobs/"):
			blobs++
		}
	}
	if blobs == 0 {
		e.t.Error("the cache asked the upstream for no blob")
	}
}

// expectHits fails unless a pull of an app was answered by the cache: nobody asked the upstream for content beyond whether the
// tag is still the same, and the cache counted the config and all layers as hits.
func (e *env) expectHits(registry *cluster.Registry, before, after registries.ProxyMetrics) {
	e.t.Helper()
	for _, request := range registry.Requests() {
		if request.FromNode() || strings.Contains(request.Path, "/blobs/") || request.ForContent() && request.Method != http.MethodHead {
			e.t.Errorf("the upstream was asked although the image is cached: %+v", request)
		}
	}
	counted := after.Sub(before)
	if counted.Blob.Hits == 0 || counted.Blob.Misses != 0 {
		e.t.Errorf("the cache counted %+v for blobs, want hits and no misses", counted.Blob)
	}
}

// expectDirect fails unless a node asked the upstream itself since its last reset.
func (e *env) expectDirect(registry *cluster.Registry) {
	e.t.Helper()
	for _, request := range registry.Requests() {
		if request.FromNode() && strings.Contains(request.Path, "/blobs/") {
			return
		}
	}
	e.t.Errorf("no node asked the upstream for a blob: %+v", registry.Requests())
}
