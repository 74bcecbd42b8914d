package upstream_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

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

// TestFetch asks as distribution does, HEAD twice and then GET, and looks at what the upstream sees of it, and the client.
func TestFetch(t *testing.T) {
	for name, c := range map[string]struct {
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
		"GET without a length": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				serveBlob(w, r)
				return
			}
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, content)
		}, []string{"GET " + blobPath, "HEAD " + blobPath, "HEAD " + blobPath, "GET " + blobPath}},
		"GET packs": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.Header().Set("Content-Encoding", "identity") // as if it were packed
			}
			serveBlob(w, r)
		}, []string{"GET " + blobPath, "HEAD " + blobPath, "HEAD " + blobPath, "GET " + blobPath}},
	} {
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
			if get := do(ctx, t, client, http.MethodGet, s.URL+blobPath, nil); get.body != content {
				t.Errorf("a second GET is answered %+v", get)
			}
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
