package app

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// TestRequests pulls an image that the cache does not have, and asks the upstream for no more than a node would that has no cache:
// which credentials it wants, one token, the tag, the manifest and each blob. distribution alone asks for a token each time, or
// which credentials it has to have if it needs none, and HEAD twice for each blob.
func TestRequests(t *testing.T) {
	content := []string{"GET blob", "GET blob", "GET blob", "GET blob", "GET manifest"}
	t.Run("open", func(t *testing.T) {
		expectRequests(t, "library/app:1.0", registries.UpstreamOptions{}, append(slices.Clone(content), "GET ping", "HEAD manifest"))
	})
	t.Run("a repository that is called like a part of the API", func(t *testing.T) {
		expectRequests(t, "team/blobs/app:1.0", registries.UpstreamOptions{}, append(slices.Clone(content), "GET ping", "HEAD manifest"))
	})
	t.Run("bearer", func(t *testing.T) {
		options := registries.UpstreamOptions{Auth: registries.AuthBearer, Public: func(string) bool { return true }}
		expectRequests(t, "library/app:1.0", options, append(slices.Clone(content), "GET ping", "GET token", "HEAD manifest"))
	})
}

func expectRequests(t *testing.T, image string, options registries.UpstreamOptions, want []string) {
	t.Helper()
	var (
		mu     sync.Mutex
		asked  []string
		handle http.Handler
	)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.Method+" "+kindOf(r.URL.Path))
		mu.Unlock()
		handle.ServeHTTP(w, r)
	}))
	options.URL = "http://" + server.Listener.Addr().String()
	u := startUpstream(t, options)
	_, err := u.PushRandomImage(t.Context(), image, 3, 200_000, 2)
	must(t, err)
	handle = u.Handler()
	server.Start()
	t.Cleanup(server.Close)
	p := newProgram(t, options.URL)
	p.start()
	must(t, p.pull(image))
	p.stop()
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(asked)
	if !slices.Equal(asked, want) {
		t.Errorf("the upstream was asked %q, want %q", asked, want)
	}
}

func kindOf(path string) string {
	switch {
	case strings.Contains(path, "/manifests/"):
		return "manifest"
	case strings.Contains(path, "/blobs/"):
		return "blob"
	case path == "/v2/":
		return "ping"
	}
	return "token"
}
