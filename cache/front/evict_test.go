package front_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestEvictedBetweenHeadAndGet removes a blob that a client has been told of.
func TestEvictedBetweenHeadAndGet(t *testing.T) {
	i := newImage("library/image", 9, 2000, 1_500_000)
	c := newCache(t, newUpstream(i), t.TempDir())
	c.mustPull(i)
	dgst := digest.FromBytes(i.blobs[1])
	path := i.repository + "/blobs/" + dgst.String()
	if err := c.get(http.MethodHead, path, i.blobs[1]); err != nil {
		t.Fatal(err)
	}
	evicted, err := c.driver.Evict(dgst, func() error {
		// Whoever asks while it is removed gets it from the upstream, and what would be stored is not.
		if err := c.get(http.MethodGet, path, i.blobs[1]); err != nil {
			t.Error(err)
		}
		link := store.Location{Kind: store.LayerLink, Repository: i.repository, Digest: dgst}.Path()
		if err := os.RemoveAll(filepath.Dir(filepath.Join(c.folder, link))); err != nil {
			return err
		}
		return os.RemoveAll(filepath.Join(c.folder, store.BlobFolder(dgst)))
	})
	if !evicted || err != nil {
		t.Errorf("evicted %v: %v", evicted, err)
	}
	if err := c.get(http.MethodGet, path, i.blobs[1]); err != nil {
		t.Error(err)
	}
	c.settle()
	c.close()
	c.check()
}
