package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestParse takes paths apart that distribution's registry/storage/paths.go makes, and puts them together again.
func TestParse(t *testing.T) {
	const (
		encoded      = "aa9d94b50a1ba2dc0e3fc17de1d2f6e4a12ac8c8f29b1e0f4d3ff7b05de5ba0a"
		repositories = "/docker/registry/v2/repositories/"
	)
	dgst := digest.NewDigestFromEncoded(digest.SHA256, encoded)
	for path, want := range map[string]store.Location{
		"/docker/registry/v2/blobs/sha256/aa/" + encoded + "/data": {Kind: store.BlobData, Digest: dgst},
		repositories + "a/b/_layers/sha256/" + encoded + "/link":   {Kind: store.LayerLink, Repository: "a/b", Digest: dgst},
		repositories + "tags/_manifests/revisions/sha256/" + encoded + "/link": {
			Kind: store.RevisionLink, Repository: "tags", Digest: dgst,
		},
		repositories + "a/_manifests/tags/_x/current/link": {Kind: store.TagCurrent, Repository: "a", Tag: "_x"},
		repositories + "a/_manifests/tags/v1/index/sha256/" + encoded + "/link": {
			Kind: store.TagIndex, Repository: "a", Tag: "v1", Digest: dgst,
		},
		repositories + "a/_uploads/1-2/data":                             {Kind: store.Upload, Repository: "a", ID: "1-2", File: "data"},
		repositories + "a/_uploads/1-2":                                  {Kind: store.Upload, Repository: "a", ID: "1-2"},
		"/scheduler-state.json":                                          {},
		"/docker/registry/v2/blobs/sha256/aa/" + encoded + "/data.1.tmp": {},
		repositories + "a/_layers/sha256/../link":                        {},
		repositories + "a/_layers":                                       {},
		"/":                                                              {},
	} {
		got := store.Parse(path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if got.Kind != store.Other && got.Path() != path {
			t.Errorf("%s becomes %s", path, got.Path())
		}
	}
}
