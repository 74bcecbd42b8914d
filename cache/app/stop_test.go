package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/front"
	"github.com/registry-cache/registry-cache/cache/store"
)

// gracePeriod is a pod's default, after which it is killed.
const gracePeriod = 30 * time.Second

// TestStopsBeforeItIsKilled: a store that does not end what clients have got already must not hold up the end for so long that
// the kubelet kills the program, and with it what the keeper had still to write.
func TestStopsBeforeItIsKilled(t *testing.T) {
	program := newProgram(t, "http://127.0.0.1")
	config, err := readConfig(program.config())
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		hang, ended := make(chan struct{}), false
		c := &cache{
			front: front.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "2")
				_, _ = io.WriteString(w, "{}")
				<-hang // it stores
			})),
			driver: store.New(inmemory.New(), store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry())}),
			keeper: store.Nobody{}, stop: func() { ended = true },
		}
		c.front.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v2/library/one/manifests/1", http.NoBody))
		start := time.Now()
		if err := c.close(); err == nil {
			t.Error("it does not say that something was not stored")
		}
		if took := config.HTTP.DrainTimeout + time.Since(start); took >= gracePeriod || !ended {
			t.Errorf("it takes %s, clients included, of %s; the keeper was ended: %v", took, gracePeriod, ended)
		}
		close(hang)
	})
}
