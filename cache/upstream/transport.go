// Package upstream is how a cache reaches its upstream: with as few requests as the client's own pull would need, and saying what
// the upstream refuses.
package upstream

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// idlePerHost is how many connections to the upstream wait for the next pull; Go's default is 2, too few for a node that
// pulls all layers of an image at once.
const idlePerHost = 64

// Transport is the transport of all that goes to the upstream and to its token service. distribution uses
// http.DefaultTransport for that, and no other.
type Transport struct {
	next       http.RoundTripper
	errors     *prometheus.CounterVec
	refused    prometheus.Counter
	complaints store.Complaints
	answers    answers
	reach      reach
	lengthless sync.Map // hosts whose responses to GET do not say how long a blob is
	closeIdle  func()
	starting   atomic.Bool
}

// New returns a transport that sends by another one, and registers its metrics.
func New(next http.RoundTripper, registerer prometheus.Registerer) *Transport {
	if transport, ok := next.(*http.Transport); ok {
		transport = transport.Clone()
		transport.MaxIdleConnsPerHost = idlePerHost
		transport.DialContext = newDialer().DialContext
		next = transport
	}
	t := &Transport{next: next, errors: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "registry_cache_upstream_errors_total",
		Help: "Errors of the upstream and its token service, by HTTP status; \"none\" if there was no answer.",
	}, []string{"status"}), refused: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "registry_cache_upstream_refused_credentials_total",
		Help: "Requests that the upstream or its token service refused although they had the credentials of this cache.",
	})}
	t.closeIdle = (&http.Client{Transport: next}).CloseIdleConnections
	registerer.MustRegister(t.errors, t.refused)
	t.errors.WithLabelValues("none")
	return t
}

// SetStarting says whether the registry is just being made without credentials. All requests are answered without the upstream
// then.
func (t *Transport) SetStarting(starting bool) { t.starting.Store(starting) }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	if t.starting.Load() {
		return noChallenge(request), nil
	}
	if fetch := fetchOf(request); fetch != nil {
		return fetch.roundTrip(request, t)
	}
	return t.send(request)
}

// send asks the upstream, unless the answer is at hand.
func (t *Transport) send(request *http.Request) (*http.Response, error) {
	if isRepeated(request) {
		return t.answers.roundTrip(request, t.ask)
	}
	response, err := t.ask(request)
	if err == nil && (response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden) {
		t.answers.forget(request)
	}
	return response, err
}

// ask asks the upstream or its token service, and counts what goes wrong.
func (t *Transport) ask(request *http.Request) (*http.Response, error) {
	if err := t.reach.check(request); err != nil {
		return nil, err
	}
	began := time.Now()
	response, err := t.next.RoundTrip(request.WithContext(suspectIdle(request.Context(), t.closeIdle)))
	t.reach.note(request, began, err)
	switch {
	case err != nil && request.Context().Err() == nil:
		t.errors.WithLabelValues("none").Inc()
	case err == nil && response.StatusCode >= http.StatusBadRequest && !isChallenge(request, response):
		t.errors.WithLabelValues(strconv.Itoa(response.StatusCode)).Inc()
		t.complain(request, response)
	}
	return response, err
}

// complain says what an operator has to mend. distribution takes a tag that the upstream does not let it look up for one that
// there is not, and its log does not say more; the node asks the upstream itself then, and nobody would notice.
func (t *Transport) complain(request *http.Request, response *http.Response) {
	url := *request.URL
	url.User, url.RawQuery = nil, ""
	err := fmt.Errorf("%s %s: %s", request.Method, url.String(), response.Status)
	switch response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		if _, _, basic := request.BasicAuth(); basic {
			t.refused.Inc()
			t.complaints.Warn("the upstream refuses the credentials of this cache: nodes have to ask it themselves", err)
			return
		}
		t.complaints.Warn("the upstream does not let this cache read: nodes have to ask it themselves", err)
	case http.StatusTooManyRequests:
		t.complaints.Warn("the upstream limits how often this cache may ask: nodes have to ask it themselves", err)
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
