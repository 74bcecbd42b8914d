package upstream_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/upstream"
)

const tokenQuery = "/v2/auth?service=registry&scope=repository%3Alibrary%2Fapp%3Apull" // the path is Quay's

// service is a token service without a network: each token is another one.
type service struct {
	issued  atomic.Int64
	format  string // of its answer, with a number for %d
	status  int
	refusal int // of all other requests
}

// RoundTrip implements http.RoundTripper. What is no token is refused.
func (s *service) RoundTrip(request *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: cmp.Or(s.refusal, http.StatusUnauthorized), Header: http.Header{}, Body: http.NoBody, Request: request}
	if request.URL.Path == "/v2/auth" {
		response.StatusCode = cmp.Or(s.status, http.StatusOK)
		response.Body = body{strings.NewReader(fmt.Sprintf(s.format, s.issued.Add(1)))}
	}
	return response, nil
}

type body struct{ *strings.Reader }

// Close implements io.Closer.
func (body) Close() error { return nil }

// TestTokens asks for tokens as distribution does, for every request of a client.
func TestTokens(t *testing.T) {
	const wholeLife = `{"token":"t%d","expires_in":300}`
	now := func(*http.Client) {}
	wait := func(d time.Duration) func(*http.Client) {
		return func(*http.Client) { time.Sleep(d) }
	}
	refuse := func(token string) func(*http.Client) {
		return func(client *http.Client) {
			do(t.Context(), t, client, http.MethodGet, "http://registry.test/v2/library/app/manifests/1",
				http.Header{"Authorization": {"Bearer " + token}})
		}
	}
	for name, c := range map[string]struct {
		service *service
		between func(*http.Client)
		want    string
	}{
		"at once":                       {&service{format: wholeLife}, now, "t1"},
		"before half its life":          {&service{format: wholeLife}, wait(149 * time.Second), "t1"},
		"after half its life":           {&service{format: wholeLife}, wait(151 * time.Second), "t2"},
		"without a life it is a minute": {&service{format: `{"access_token":"t%d"}`}, wait(29 * time.Second), "t1"},
		"and no more":                   {&service{format: `{"access_token":"t%d"}`}, wait(31 * time.Second), "t2"},
		"a long life is cut":            {&service{format: `{"token":"t%d","expires_in":1e300}`}, wait(301 * time.Second), "t2"},
		"a short life":                  {&service{format: `{"token":"t%d","expires_in":4}`}, wait(3 * time.Second), "t2"},
		"it is not new": {&service{format: `{"token":"t%d","expires_in":300,"issued_at":"1999-12-31T23:55:01Z"}`},
			wait(time.Second), "t2"}, // in a bubble it is the year 2000
		"its service's clock is ahead": {&service{format: `{"token":"t%d","expires_in":300,"issued_at":"2000-01-02T00:00:00Z"}`},
			wait(time.Second), "t1"},
		"the upstream refused it":        {&service{format: wholeLife}, refuse("t1"), "t2"},
		"the upstream forbade it":        {&service{format: wholeLife, refusal: http.StatusForbidden}, refuse("t1"), "t2"},
		"it is escaped, and was refused": {&service{format: `{"token":"\u0074%d","expires_in":300}`}, refuse("t1"), `\u00742`},
		"the upstream has not got it":    {&service{format: wholeLife, refusal: http.StatusNotFound}, refuse("t1"), "t1"},
		"the upstream refused another":   {&service{format: wholeLife}, refuse("t9"), "t1"},
		"an answer without a token":      {&service{format: `{"error":"%d"}`}, now, `"2"`},
		"an answer that is no JSON":      {&service{format: `sorry %d`}, now, "sorry 2"},
		"an answer with a life in words": {&service{format: `{"token":"t%d","expires_in":"long"}`}, now, "t2"},
		"an answer that is an error":     {&service{format: wholeLife, status: http.StatusBadGateway}, now, "t2"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := &http.Client{Transport: upstream.New(c.service, prometheus.NewRegistry())}
				first := do(t.Context(), t, client, http.MethodGet, "http://registry.test"+tokenQuery, nil)
				c.between(client)
				second := do(t.Context(), t, client, http.MethodGet, "http://registry.test"+tokenQuery, nil)
				if !strings.Contains(second.body, c.want) || second.status != first.status {
					t.Errorf("the answers are %+v and %+v, want %s", first, second, c.want)
				}
			})
		})
	}
}

// TestTokensApart gives nobody a token that is for other credentials or another repository.
func TestTokensApart(t *testing.T) {
	s := &service{format: `{"token":"t%d"}`}
	client := &http.Client{Transport: upstream.New(s, prometheus.NewRegistry())}
	other := strings.Replace(tokenQuery, "app", "other", 1)
	basic := func(password string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("reader:"+password))}}
	}
	for range 2 {
		for i, c := range []struct {
			query  string
			header http.Header
		}{{tokenQuery, nil}, {tokenQuery, basic("old")}, {tokenQuery, basic("new")}, {other, nil}} {
			got := do(t.Context(), t, client, http.MethodGet, "http://registry.test"+c.query, c.header)
			if want := fmt.Sprintf(`{"token":"t%d"}`, i+1); got.body != want {
				t.Errorf("request %d is answered %s, want %s", i, got.body, want)
			}
		}
	}
}

// TestTokensElsewhere leaves a request alone that only looks like one for a token: a registry led there.
func TestTokensElsewhere(t *testing.T) {
	const asToken = `{"token":"t"}`
	s := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == blobPath {
			http.Redirect(w, r, "/storage?scope=repository:x", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, asToken)
	})
	client := newClient(t)
	for range 2 {
		if got := do(t.Context(), t, client, http.MethodGet, s.URL+blobPath, nil); got.body != asToken {
			t.Errorf("GET is answered %+v", got)
		}
		s.expectAsked(t, "GET "+blobPath, "GET /storage")
	}
}

// TestPings asks which credentials an upstream wants as distribution does, for every request of a client if it wants none.
func TestPings(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		between func(*http.Client, string)
		want    int
	}{
		"open, at once":        {http.StatusOK, func(*http.Client, string) {}, 1},
		"open, a minute later": {http.StatusOK, func(*http.Client, string) { time.Sleep(61 * time.Second) }, 2},
		"led elsewhere":        {http.StatusTemporaryRedirect, func(*http.Client, string) {}, 1},
		"it limits requests":   {http.StatusTooManyRequests, func(*http.Client, string) {}, 2},
		"it is out of order":   {http.StatusBadGateway, func(*http.Client, string) {}, 2},
		"it wants credentials now": {http.StatusOK, func(client *http.Client, url string) {
			do(t.Context(), t, client, http.MethodGet, url+"library/app/manifests/1", nil)
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &registry{status: c.status}
				client := &http.Client{Transport: upstream.New(s, prometheus.NewRegistry()), CheckRedirect: stay}
				const url = "http://registry.test/v2/"
				first := do(t.Context(), t, client, http.MethodGet, url, nil)
				c.between(client, url)
				second := do(t.Context(), t, client, http.MethodGet, url, nil)
				if first.status != c.status || second.status != c.status || second.header.Get("WWW-Authenticate") != "Basic" {
					t.Errorf("the answers are %+v and %+v", first, second)
				}
				if s.pings != c.want {
					t.Errorf("the upstream was pinged %d times, want %d", s.pings, c.want)
				}
			})
		})
	}
}

// stay shows redirects instead of following them.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// registry is one without a network that refuses all but pings.
type registry struct{ status, pings int }

// RoundTrip implements http.RoundTripper.
func (r *registry) RoundTrip(request *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody, Request: request, Header: http.Header{
		"Www-Authenticate": {"Basic"}, "Location": {"http://elsewhere.test/v2/"},
	}}
	if request.URL.Path == "/v2/" {
		r.pings++
		response.StatusCode = r.status
	}
	return response, nil
}

// TestPingWithoutBody does not wait for what nobody reads.
func TestPingWithoutBody(t *testing.T) {
	s := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	client := newClient(t)
	client.Timeout = 20 * time.Second
	if got := do(t.Context(), t, client, http.MethodGet, s.URL+"/v2/", nil); got.status != http.StatusOK {
		t.Errorf("the answer is %+v", got)
	}
}
