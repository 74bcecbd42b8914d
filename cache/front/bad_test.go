package front_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestBadContent spoils what is stored: one pull at most may fail, and then it comes from a good store again.
func TestBadContent(t *testing.T) {
	small, large := 300_000, 1_200_000
	spoil := map[string]func([]byte) []byte{
		"first bit flipped": func(b []byte) []byte { b[0] ^= 1; return b },
		"a bit flipped":     func(b []byte) []byte { b[len(b)/2] ^= 8; return b },
		"last bit flipped":  func(b []byte) []byte { b[len(b)-1] ^= 128; return b },
		"half":              func(b []byte) []byte { return b[:len(b)/2] },
		"one byte short":    func(b []byte) []byte { return b[:len(b)-1] },
		"one byte more":     func(b []byte) []byte { return append(b, 'x') },
		"empty":             func([]byte) []byte { return nil },
	}
	for name, change := range spoil {
		for _, restart := range []bool{false, true} {
			for what, path := range map[string]func(image) string{
				"manifest": func(i image) string { return blobPath(i.digest()) },
				"small":    func(i image) string { return blobPath(digest.FromBytes(i.blobs[1])) },
				"large":    func(i image) string { return blobPath(digest.FromBytes(i.blobs[2])) },
				"layer link": func(i image) string {
					return store.Location{Kind: store.LayerLink, Repository: i.repository, Digest: digest.FromBytes(i.blobs[1])}.Path()
				},
				"revision link": func(i image) string {
					return store.Location{Kind: store.RevisionLink, Repository: i.repository, Digest: i.digest()}.Path()
				},
				"tag": func(i image) string {
					return store.Location{Kind: store.TagCurrent, Repository: i.repository, Tag: i.tag}.Path()
				},
			} {
				title := name + ": " + what
				if restart {
					title += " after a restart"
				}
				t.Run(title, func(t *testing.T) {
					i := newImage("library/image", 3, 2000, small, large)
					healOnce(t, i, path(i), change, restart, what != "large")
				})
			}
		}
	}
}

func blobPath(dgst digest.Digest) string {
	return store.Location{Kind: store.BlobData, Digest: dgst}.Path()
}

// healOnce expects that the first pull, or the second if the content is too large to be checked beforehand, succeeds.
func healOnce(t *testing.T, i image, path string, change func([]byte) []byte, restart, atOnce bool) {
	u := newUpstream(i)
	c := newCache(t, u, t.TempDir())
	c.mustPull(i)
	if restart {
		c.close()
		c = newCache(t, u, c.folder)
	}
	file := filepath.Join(c.folder, path)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.pull(i); err != nil && atOnce {
		t.Errorf("the first pull: %v", err)
	}
	c.settle()
	c.mustPull(i)
	c.mustPull(i)
	before := u.requests.Load()
	c.mustPull(i)
	if n := u.requests.Load() - before; n > 0 {
		t.Errorf("%d requests to the upstream for what should be stored", n)
	}
	c.close()
	c.checkWhole(i)
}
