package app

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// idlePerHost is how many connections to the upstream wait for the next pull; Go's default is 2, too few for a node that
// pulls all layers of an image at once.
const idlePerHost = 64

// upstream is the transport of all that goes to the upstream and to its token service. distribution uses
// http.DefaultTransport for that, and no other.
type upstream struct {
	next       http.RoundTripper
	errors     *prometheus.CounterVec
	refused    prometheus.Counter
	complaints store.Complaints
	starting   atomic.Bool
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
	}, []string{"status"}), refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "registry_cache_upstream_refused_credentials_total",
		Help: "Requests that the upstream or its token service refused although they had the credentials of this cache.",
	})}
	registerer.MustRegister(u.errors, u.refused)
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
		u.complain(request, response)
	}
	return response, err
}

// complain says what an operator has to mend. distribution takes a tag that the upstream does not let it look up for one that
// there is not, and its log does not say more; the node asks the upstream itself then, and nobody would notice.
func (u *upstream) complain(request *http.Request, response *http.Response) {
	url := *request.URL
	url.User, url.RawQuery = nil, ""
	err := fmt.Errorf("%s %s: %s", request.Method, url.String(), response.Status)
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		if _, _, basic := request.BasicAuth(); basic {
			u.refused.Inc()
			u.complaints.Warn("the upstream refuses the credentials of this cache: nodes have to ask it themselves", err)
			return
		}
		u.complaints.Warn("the upstream does not let this cache read: nodes have to ask it themselves", err)
	case http.StatusTooManyRequests:
		u.complaints.Warn("the upstream limits how often this cache may ask: nodes have to ask it themselves", err)
	}
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
