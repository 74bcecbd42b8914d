//go:build integration

package integration

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSteadyStateWritesNothing: a reconciliation that has nothing to do writes what gardener's library writes (that it has
// begun, that it has succeeded, and the annotation gone that asked for it) and nothing else, not even what the API server
// would find unchanged.
func TestSteadyStateWritesNothing(t *testing.T) {
	e := newEnv(t, "--heartbeat-renew-interval-seconds=3600") // a Lease renewed meanwhile would be counted
	s := e.newShoot("steady")
	e.must(s.PutSecret(e.ctx, "quay", credentials("quay-v1", map[string]string{"username": "u", "password": "p"})))
	three := config(secured("docker.io"), private("quay.io", "quay"),
		`{"upstream": "ghcr.io", "serviceNameSuffix": "hub", "highAvailability": {"enabled": true}, "volume": {"size": "1Gi"}}`)
	e.reconcile(s, three)
	e.reconcile(s, three)
	// The resource-manager and the controllers of the shoot may still write what they see of the last change: of three
	// times, once they have not. A controller that writes would each time.
	e.eventually(time.Minute, func() error {
		before, requests := e.deployed(s), e.writes()
		e.reconcile(s, three)
		after := e.writes()
		if diff := cmp.Diff(before.versions(), e.everything(s).versions()); diff != "" {
			return fmt.Errorf("objects were written (-before +after):\n%s", diff)
		}
		for method, count := range requests {
			after[method] -= count
			if after[method] == 0 {
				delete(after, method)
			}
		}
		if diff := cmp.Diff(map[string]int{"PATCH": 3}, after); diff != "" {
			return fmt.Errorf("other writes than the library's (-want +got):\n%s", diff)
		}
		return nil
	})
}

// requestsTotal is what the extension has asked of API servers, that of the seed and that of the shoot.
var requestsTotal = regexp.MustCompile(`(?m)^rest_client_requests_total\{.*method="([A-Z]+)".*\} (\S+)$`)

// writes counts the requests of the extension so far that write, by method.
func (e *env) writes() map[string]int {
	e.t.Helper()
	counts := map[string]int{}
	for _, match := range requestsTotal.FindAllStringSubmatch(e.metrics(), -1) {
		value, err := strconv.ParseFloat(match[2], 64)
		e.must(err)
		if match[1] != http.MethodGet {
			counts[match[1]] += int(value)
		}
	}
	if len(counts) == 0 {
		e.t.Fatal("the metrics have no requests")
	}
	return counts
}

// metrics returns what the extension's metrics endpoint answers.
func (e *env) metrics() string {
	e.t.Helper()
	response, err := http.Get("http://" + e.extension.Metrics + "/metrics")
	e.must(err)
	defer response.Body.Close() //nolint:errcheck // nothing was written
	text, err := io.ReadAll(response.Body)
	e.must(err)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		e.t.Fatalf("/metrics answers %s, %s", response.Status, response.Header.Get("Content-Type"))
	}
	return string(text)
}
