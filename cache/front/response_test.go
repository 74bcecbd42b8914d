package front_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/faults"
)

// TestRange asks for the end of a blob, as a client does whose connection broke, of a store that works and of one that
// fails in the middle of what is asked for.
func TestRange(t *testing.T) {
	i := newImage("library/image", 5, 2000, layerSize)
	u := newUpstream(i)
	c := newCache(t, u, t.TempDir())
	c.mustPull(i)
	const from = 1 << 20
	for name, fault := range map[string]*faults.Fault{
		"works":               nil,
		"fails before":        {Operation: faults.Reader, Path: "/blobs/", Err: errDisk},
		"fails at once":       {Operation: faults.Read, Path: "/blobs/", At: from, Err: errDisk},
		"fails in the middle": {Operation: faults.Read, Path: "/blobs/", At: 2 << 20, Err: errDisk},
	} {
		t.Run(name, func(t *testing.T) {
			c.faults.Set(fault)
			request := httptest.NewRequest(http.MethodGet, "/v2/library/image/blobs/"+digest.FromBytes(i.blobs[1]).String(), http.NoBody)
			request.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
			recorder := httptest.NewRecorder()
			c.handler.ServeHTTP(recorder, request)
			want := i.blobs[1][from:]
			if recorder.Code == http.StatusOK { // a server may answer with the whole
				want = i.blobs[1]
			}
			if !bytes.Equal(recorder.Body.Bytes(), want) {
				t.Errorf("%d: %d bytes, not the %d that they should be", recorder.Code, recorder.Body.Len(), len(want))
			}
			c.settle()
		})
	}
	c.faults.Set(nil)
	c.close()
}

// TestHead asks whether a blob exists, which must not fetch it.
func TestHead(t *testing.T) {
	i := newImage("library/image", 6, 2000, layerSize)
	u := newUpstream(i)
	c := newCache(t, u, t.TempDir())
	for range 2 { // not stored, then stored
		if err := c.get(http.MethodHead, "library/image/blobs/"+digest.FromBytes(i.blobs[1]).String(), i.blobs[1]); err != nil {
			t.Error(err)
		}
		c.settle()
		c.mustPull(i)
	}
	c.close()
	c.checkWhole(i)
}

// TestUpstreamsErrors are the client's to know.
func TestUpstreamsErrors(t *testing.T) {
	i := newImage("library/image", 7, 2000)
	u := newUpstream(i)
	c := newCache(t, u, t.TempDir())
	for path, want := range map[string]int{
		"library/image/manifests/missing":                                  http.StatusNotFound,
		"library/image/blobs/" + digest.FromString("missing").String():     http.StatusNotFound,
		"library/image/manifests/" + digest.FromString("missing").String(): http.StatusNotFound,
		"library/image/blobs/sha256:x":                                     http.StatusBadRequest,
	} {
		recorder := httptest.NewRecorder()
		c.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/v2/"+path, http.NoBody))
		if recorder.Code != want {
			t.Errorf("GET %s: %d, want %d", path, recorder.Code, want)
		}
	}
	c.settle()
	c.close()
	c.check()
}
