package app

import (
	"net/http"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestStartWithoutUpstream serves what is stored while the upstream is away, and more when it is back.
func TestStartWithoutUpstream(t *testing.T) {
	u := startUpstream(t, registries.UpstreamOptions{})
	for _, credentials := range []bool{false, true} {
		p := newProgram(t, u.URL())
		p.start()
		must(t, p.pull("library/demo:1.0"))
		p.stop()
		away := newProgram(t, "http://"+freeAddress(t))
		var env []string
		if credentials {
			env = []string{"REGISTRY_PROXY_USERNAME=somebody", "REGISTRY_PROXY_PASSWORD=something"}
		}
		away.start(append(env, "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY="+p.data)...)
		if err := away.pull("library/demo:1.0"); err != nil {
			t.Errorf("credentials %v: %v", credentials, err)
		}
		if err := away.pull("library/other:1.0"); err == nil {
			t.Error("pulled what is nowhere")
		}
		if !strings.Contains(away.metrics(), `registry_cache_upstream_errors_total{status="none"}`) {
			t.Error("errors of the upstream are not counted")
		}
		response, err := http.Get("http://" + away.debug + "/debug/health")
		must(t, err)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("health: %s", response.Status)
		}
		away.stop()
	}
}

// TestMetrics lists the names of the metrics, ours and distribution's, that others rely on.
func TestMetrics(t *testing.T) {
	p := newProgram(t, startUpstream(t, registries.UpstreamOptions{}).URL())
	p.start()
	must(t, p.pull("library/demo:1.0"))
	got := p.metrics()
	p.stop()
	for _, name := range []string{
		"registry_proxy_hits_total", "registry_proxy_misses_total", "registry_proxy_requests_total",
		"registry_proxy_pulled_bytes_total", "registry_proxy_pushed_bytes_total", "registry_storage_action_seconds_bucket",
		"registry_http_requests_total",
		`registry_cache_not_stored_total{cause="no-space"} 0`, "registry_cache_bad_content_total", "registry_cache_store_bypassed 0",
		"registry_cache_upstream_errors_total",
	} {
		if !strings.Contains(got, name) {
			t.Errorf("%s is missing", name)
		}
	}
}
