//go:build e2e

package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
	"github.com/registry-cache/registry-cache/test/tool"
)

// direct is what a pull of a small image may take that waits for nobody. A dead cache costs a multiple of 30 seconds where
// containerd is not told to give up earlier, and at least one second for each request where it is.
const direct = 4 * time.Second

// render prints the manifests that registry-cache-fn makes of a config in the folder testdata, and of further inputs there.
func (e *env) render(files ...string) string {
	e.t.Helper()
	paths := make([]string, len(files))
	for i, file := range files {
		paths[i] = filepath.Join("test", "e2e", "testdata", file)
	}
	return e.pipe("", tool.Path(e.t, "registry-cache-fn"), paths...)
}

// testdata returns the content of a file in the folder testdata.
func (e *env) testdata(file string) string {
	e.t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	e.must(err)
	return string(content)
}

// cacheOf names the pod of the cache of an upstream.
func cacheOf(upstream string) cachePod {
	return cachePod{standaloneHub.namespace, names.Object(upstream) + "-0"}
}

// metric returns the sum of all series of a cache's metric that have the labels, each a name and a value.
func (e *env) metric(pod cachePod, name string, labels ...string) float64 {
	e.t.Helper()
	clients, err := kubernetes.NewForConfig(e.RESTConfig())
	e.must(err)
	families, err := livecluster.ReadMetrics(e.ctx, clients, pod.namespace, pod.name)
	e.must(err)
	return families.Sum(name, labels...)
}

// logOf returns what a cache has logged.
func (e *env) logOf(pod cachePod) string {
	e.t.Helper()
	return e.kubectl("logs", "-n", pod.namespace, pod.name, "-c", "registry-cache")
}

// waits returns the lines in which containerd of a node says that it waited for a cache in vain.
func (e *env) waits(node *cluster.Node) (lines []string) {
	for line := range strings.Lines(node.Logs(cluster.Containerd)) {
		if strings.Contains(line, "trying next host") && strings.Contains(line, "timeout") {
			lines = append(lines, line)
		}
	}
	return lines
}

// forgiveWaits lets containerd have waited so far, because the test made the cache dead. Each further line fails the test: no pull
// may be under way that began before, for it says that it waited when it has.
func (e *env) forgiveWaits(what string) {
	e.t.Helper()
	for _, node := range e.Nodes() {
		lines := e.waits(node)
		for _, line := range lines {
			e.allowTrouble("^" + regexp.QuoteMeta(line) + "$")
		}
		e.t.Logf("%s: containerd of %s has waited for %d requests so far", what, node.Name, len(lines))
	}
}

// median and slowest summarise what was measured.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// awaitCache waits until the pod of a cache is Ready.
func (e *env) awaitCache(pod cachePod) time.Duration {
	e.t.Helper()
	return e.eventually(2*time.Minute, "cache "+pod.name+" is Ready", func() error {
		found := &corev1.Pod{}
		if err := e.Client().Get(e.ctx, client.ObjectKey{Namespace: pod.namespace, Name: pod.name}, found); err != nil {
			return err
		}
		for _, condition := range found.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue && found.DeletionTimestamp == nil {
				return nil
			}
		}
		return errors.New("it is not")
	})
}

// countBlobs returns how many blobs a cache fetched from an upstream since its last reset, and nodes themselves.
func countBlobs(registry *cluster.Registry) (through, direct int) {
	for _, request := range registry.Requests() {
		switch {
		case request.Method != http.MethodGet || request.Status != http.StatusOK || !strings.Contains(request.Path, "/blobs/"):
		case request.FromNode():
			direct++
		default:
			through++
		}
	}
	return through, direct
}
