package front_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/opencontainers/go-digest"
)

// TestUpstreamBreaksOff: what the client has by then are the upstream's bytes and nothing else, since it goes on from there
// with another request. The registry's own words on the matter are not among them.
func TestUpstreamBreaksOff(t *testing.T) {
	const size = 3 << 20
	for name, cut := range map[string]int{"at the first byte": 1, "after the first": 2, "in the middle": size / 2, "before the last": size} {
		t.Run(name, func(t *testing.T) {
			i := newImage("library/image", 11, size)
			u := newUpstream(i)
			u.cut = cut
			c := newCache(t, u, t.TempDir())
			recorder := httptest.NewRecorder()
			path := "/v2/library/image/blobs/" + digest.FromBytes(i.blobs[0]).String()
			c.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, http.NoBody))
			if got := recorder.Body.Bytes(); recorder.Code == http.StatusOK && !bytes.HasPrefix(i.blobs[0], got) {
				t.Errorf("the client got %d bytes that are not the upstream's first: ... %q", len(got), got[max(0, len(got)-120):])
			}
			c.settle()
			u.mu.Lock()
			u.cut = 0
			u.mu.Unlock()
			if err := c.get(http.MethodGet, path[len("/v2/"):], i.blobs[0]); err != nil {
				t.Error(err)
			}
			c.settle()
			c.close()
			c.check()
		})
	}
}
