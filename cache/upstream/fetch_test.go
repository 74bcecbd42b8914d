package upstream_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/upstream"
)

const (
	blobPath = "/v2/library/app/blobs/sha256:0123"
	content  = "all the bytes of a blob"
)

// serveBlob is an upstream that has the blob.
func serveBlob(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, content)
	}
}

// serveElsewhere leads to where it has the blob, as most registries do. The signature of a URL is for one method.
func serveElsewhere(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == blobPath:
		http.Redirect(w, r, "/storage/"+r.Method, http.StatusTemporaryRedirect)
	case r.URL.Path == "/storage/"+r.Method && r.Method == http.MethodGet:
		serveBlob(w, r)
	default:
		w.WriteHeader(http.StatusForbidden)
	}
}

// serveElsewhereUnmeasured leads to where it has the blob, signed for the method, and GET does not say how long that is.
func serveElsewhereUnmeasured(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == blobPath:
		http.Redirect(w, r, "/storage/"+r.Method, http.StatusTemporaryRedirect)
	case r.URL.Path != "/storage/"+r.Method:
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodHead:
		serveBlob(w, r)
	default:
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, content)
	}
}

// fetches are upstreams of all kinds, and what they see.
var fetches = map[string]struct {
	handle http.HandlerFunc
	want   []string
}{
	"one request":       {serveBlob, []string{"GET " + blobPath}},
	"one and elsewhere": {serveElsewhere, []string{"GET " + blobPath, "GET /storage/GET"}},
	"HEAD is refused": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serveBlob(w, r)
	}, []string{"GET " + blobPath}},
	"HEAD has no length": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			serveBlob(w, r)
		}
	}, []string{"GET " + blobPath}},
	"HEAD knows of no blob that was not asked for yet": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		serveBlob(w, r)
	}, []string{"GET " + blobPath}},
	"GET without a length": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			serveBlob(w, r)
			return
		}
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, content)
	}, []string{"GET " + blobPath, "HEAD " + blobPath, "HEAD " + blobPath, "GET " + blobPath}},
	"elsewhere without a length": {serveElsewhereUnmeasured, []string{
		"GET " + blobPath, "GET /storage/GET",
		"HEAD " + blobPath, "HEAD /storage/HEAD", "HEAD " + blobPath, "HEAD /storage/HEAD",
		"GET " + blobPath, "GET /storage/GET",
	}},
	"GET packs if it may": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
		}
		serveBlob(w, r)
	}, []string{"GET " + blobPath}},
	"GET packs": {func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Encoding", "identity") // as if it were packed
		}
		serveBlob(w, r)
	}, []string{"GET " + blobPath, "HEAD " + blobPath, "HEAD " + blobPath, "GET " + blobPath}},
}

// TestFetch asks as distribution does, HEAD twice and then GET, and looks at what the upstream sees of it, and the client.
func TestFetch(t *testing.T) {
	for name, c := range fetches {
		t.Run(name, func(t *testing.T) {
			s, client := startServer(t, c.handle), newClient(t)
			ctx, end := upstream.WithFetch(t.Context())
			for range 2 {
				head := do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil)
				if head.status != http.StatusOK || head.length != int64(len(content)) || head.body != "" ||
					head.header.Get("Content-Length") != strconv.Itoa(len(content)) ||
					head.header.Get("Content-Type") != "application/octet-stream" {
					t.Errorf("HEAD is answered %+v", head)
				}
			}
			if get := do(ctx, t, client, http.MethodGet, s.URL+blobPath, nil); get.body != content {
				t.Errorf("GET is answered %+v", get)
			}
			s.expectAsked(t, c.want...)
			end()
		})
	}
}

// TestFetchRefused hands on that the upstream does not have a blob, or does not give it.
func TestFetchRefused(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusBadGateway} {
		s, client := startServer(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", status) }), newClient(t)
		ctx, end := upstream.WithFetch(t.Context())
		if head := do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil); head.status != status || head.body != "" {
			t.Errorf("HEAD is answered %+v, want %d", head, status)
		}
		if get := do(ctx, t, client, http.MethodGet, s.URL+blobPath, nil); get.status != status || get.body != "no\n" {
			t.Errorf("GET is answered %+v, want %d", get, status)
		}
		s.expectAsked(t, "GET "+blobPath, "GET "+blobPath)
		end()
	}
}

// TestFetchRange asks the upstream itself for a part, whatever is at hand.
func TestFetchRange(t *testing.T) {
	s, client := startServer(t, serveBlob), newClient(t)
	ctx, end := upstream.WithFetch(t.Context())
	defer end()
	do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil)
	do(ctx, t, client, http.MethodGet, s.URL+blobPath, http.Header{"Range": {"bytes=3-"}})
	s.expectAsked(t, "GET "+blobPath, "GET "+blobPath)
}

// TestFetchWithout leaves all alone that is not for a blob that a client wants.
func TestFetchWithout(t *testing.T) {
	s, client := startServer(t, serveBlob), newClient(t)
	do(t.Context(), t, client, http.MethodHead, s.URL+blobPath, nil)
	do(t.Context(), t, client, http.MethodGet, s.URL+blobPath, nil)
	s.expectAsked(t, "HEAD "+blobPath, "GET "+blobPath)
}

// TestFetchEnd lets the upstream go when nobody comes for what a HEAD has brought.
func TestFetchEnd(t *testing.T) {
	gone := make(chan struct{})
	s, client := startServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000000")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	}), newClient(t)
	ctx, end := upstream.WithFetch(context.Background())
	do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil)
	end()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the upstream still sends a blob that nobody reads")
	}
}

// TestFetchKeepsConnections fetches many blobs on one connection.
func TestFetchKeepsConnections(t *testing.T) {
	s, client := startServer(t, serveElsewhere), newClient(t)
	for range 5 {
		ctx, end := upstream.WithFetch(t.Context())
		do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil)
		do(ctx, t, client, http.MethodGet, s.URL+blobPath, nil)
		end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections != 1 {
		t.Errorf("%d connections were made for blobs that were fetched one after the other", s.connections)
	}
}

// TestFetchOnce gives a body to one GET; a second one is sent.
func TestFetchOnce(t *testing.T) {
	s, client := startServer(t, serveBlob), newClient(t)
	ctx, end := upstream.WithFetch(t.Context())
	defer end()
	do(ctx, t, client, http.MethodHead, s.URL+blobPath, nil)
	for range 2 {
		if get := do(ctx, t, client, http.MethodGet, s.URL+blobPath, nil); get.body != content {
			t.Errorf("GET is answered %+v", get)
		}
	}
	s.expectAsked(t, "GET "+blobPath, "GET "+blobPath)
}

// TestFetchTooLate closes a body for which nobody comes in time, and sends the GET that comes later.
func TestFetchTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &oneBlob{}
		client := &http.Client{Transport: upstream.New(u, prometheus.NewRegistry())}
		ctx, end := upstream.WithFetch(t.Context())
		defer end()
		do(ctx, t, client, http.MethodHead, "http://registry.test"+blobPath, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if u.open != 0 {
			t.Errorf("%d bodies are open", u.open)
		}
		if get := do(ctx, t, client, http.MethodGet, "http://registry.test"+blobPath, nil); get.body != content || u.asked != 2 {
			t.Errorf("GET is answered %+v, after %d requests", get, u.asked)
		}
	})
}

// oneBlob is an upstream without a network that counts the bodies that are open.
type oneBlob struct{ asked, open int }

// RoundTrip implements http.RoundTripper.
func (u *oneBlob) RoundTrip(request *http.Request) (*http.Response, error) {
	u.asked++
	u.open++
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Length": {strconv.Itoa(len(content))}}, ContentLength: int64(len(content)),
		Body: &counted{strings.NewReader(content), u}, Request: request,
	}, nil
}

type counted struct {
	*strings.Reader
	upstream *oneBlob
}

// Close implements io.Closer.
func (c *counted) Close() error {
	c.upstream.open--
	return nil
}
