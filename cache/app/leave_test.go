package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestLeavesBeforeItStops: a cache whose health somebody watches says that it is going while it still serves. Without that, what
// is sent to it right after its end gets lost.
func TestLeavesBeforeItStops(t *testing.T) {
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tls), func(t *testing.T) {
			t.Parallel()
			upstream := startUpstream(t, registries.UpstreamOptions{})
			p := newProgram(t, upstream.URL())
			var env []string
			if tls {
				env = p.useTLS()
			}
			p.start(env...)
			p.probe(probeAgent + "1.36")
			must(t, p.pull("library/demo:1.0"))
			must(t, p.command.Process.Signal(syscall.SIGTERM))
			start := time.Now()
			for p.probe("") != http.StatusServiceUnavailable {
				if time.Since(start) > leaveTime {
					t.Fatal("it says that it is healthy although it was told to stop")
				}
				time.Sleep(10 * time.Millisecond)
			}
			must(t, p.pull("library/demo:1.0"))
			if err := p.command.Wait(); err != nil {
				t.Errorf("stopping: %v\n%s", err, p.log.String())
			}
			if took := time.Since(start); took < leaveTime-time.Second || took > gracePeriod {
				t.Errorf("it stopped after %s, want about %s", took, leaveTime)
			}
		})
	}
}

// TestStopsAtOnceWithoutKubelet: who runs the program by hand need not wait.
func TestStopsAtOnceWithoutKubelet(t *testing.T) {
	for agent, want := range map[string]time.Duration{"": 0, "curl/8.0": 0, probeAgent + "1.36": leaveTime} {
		l := &leaving{}
		request := httptest.NewRequest(http.MethodGet, healthPath, http.NoBody)
		request.Header.Set("User-Agent", agent)
		l.watch(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request)
		if got := l.leave(); got != want {
			t.Errorf("after %q asked for its health it goes on for %s, want %s", agent, got, want)
		}
	}
}

// probe asks for the program's health as somebody, and returns the status, 0 if it does not answer.
func (p *program) probe(agent string) int {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.debug+healthPath, http.NoBody)
	must(p.t, err)
	request.Header.Set("User-Agent", agent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// useTLS gives the program a key pair, and returns the environment that tells it so.
func (p *program) useTLS() []string {
	p.t.Helper()
	ca, err := registries.NewCA()
	must(p.t, err)
	certificate, key, err := ca.IssuePEM()
	must(p.t, err)
	p.ca = ca
	certificateFile, keyFile := filepath.Join(p.folder, "tls.crt"), filepath.Join(p.folder, "tls.key")
	must(p.t, os.WriteFile(certificateFile, certificate, 0o600))
	must(p.t, os.WriteFile(keyFile, key, 0o600))
	return []string{"REGISTRY_HTTP_TLS_CERTIFICATE=" + certificateFile, "REGISTRY_HTTP_TLS_KEY=" + keyFile}
}
