package app

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// idlePerHost is how many connections to the upstream wait for the next pull; Go's default is 2, too few for a node that
// pulls all layers of an image at once.
const idlePerHost = 64

// upstream is the transport of all that goes to the upstream and to its token service. distribution uses
// http.DefaultTransport for that, and no other.
type upstream struct {
	next     http.RoundTripper
	errors   *prometheus.CounterVec
	starting atomic.Bool
}

func newUpstream(next http.RoundTripper, registerer prometheus.Registerer) *upstream {
	if transport, ok := next.(*http.Transport); ok {
		transport = transport.Clone()
		transport.MaxIdleConnsPerHost = idlePerHost
		next = transport
	}
	u := &upstream{next: next, errors: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "registry_cache_upstream_errors_total",
		Help: "Errors of the upstream and its token service, by HTTP status; \"none\" if there was no answer.",
	}, []string{"status"})}
	registerer.MustRegister(u.errors)
	u.errors.WithLabelValues("none")
	return u
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(request *http.Request) (*http.Response, error) {
	if u.starting.Load() {
		return noChallenge(request), nil
	}
	response, err := u.next.RoundTrip(request)
	switch {
	case err != nil && request.Context().Err() == nil:
		u.errors.WithLabelValues("none").Inc()
	case err == nil && response.StatusCode >= http.StatusBadRequest && !isChallenge(request, response):
		u.errors.WithLabelValues(strconv.Itoa(response.StatusCode)).Inc()
	}
	return response, err
}

// isChallenge says whether a refusal is but the question for credentials.
func isChallenge(request *http.Request, response *http.Response) bool {
	return response.StatusCode == http.StatusUnauthorized &&
		(request.Header.Get("Authorization") == "" || strings.HasSuffix(request.URL.Path, "/v2/"))
}

// noChallenge answers in the upstream's place while the registry is made. Without credentials distribution asks then, once,
// where it could send them, panics without an answer, and does nothing with the answer.
func noChallenge(request *http.Request) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK,
		Status:     "200 OK",
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{},
		Body:       http.NoBody,
		Request:    request,
	}
}
