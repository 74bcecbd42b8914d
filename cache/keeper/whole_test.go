package keeper

import (
	"slices"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

var other = image("lib/other", "v1", "M2", "L2")

var wholes = map[string]struct {
	before []string
	drop   string
	after  []string
}{
	"a layer of two repositories": {
		before: append([]string{"blob L 10", "layer lib/x L", "layer y L"}, other...),
		drop:   "L",
		after:  other,
	},
	"a manifest takes its tags along": {
		before: append(append(image("lib/x", "v1", "M", "L"), "index lib/x v2 M", "tag lib/x v2 M"), other...),
		drop:   "M",
		after:  append([]string{"blob L 4096", "layer lib/x L"}, other...),
	},
	"a tag has moved on": {
		before: append(append(image("x", "v1", "M", "L"), image("x", "v1", "N", "K")...), other...),
		drop:   "M",
		after:  append([]string{"blob L 4096", "layer x L"}, append(image("x", "v1", "N", "K"), other...)...),
	},
	"a tag takes its history along": {
		before: append(append(image("x", "v1", "M", "L"), image("x", "v1", "N", "K")...), other...),
		drop:   "N",
		after: append([]string{"blob L 4096", "layer x L", "blob K 4096", "layer x K", "blob M 4096", "revision x M"},
			other...),
	},
	"a repository in a repository": {
		before: []string{"blob L 10", "layer a L", "blob K 10", "layer a/b K"},
		drop:   "L",
		after:  []string{"blob K 10", "layer a/b K"},
	},
	"the last blob, with an empty folder of uploads": {
		before: []string{"blob L 10", "layer a/b L", "empty docker/registry/v2/repositories/a/b/_uploads"},
		drop:   "L",
		after:  []string{"empty docker/registry/v2/blobs", "empty docker/registry/v2/repositories"},
	},
	"an upload keeps its repository": {
		before: []string{"blob L 10", "layer a/b L", "upload a/b id data"},
		drop:   "L",
		after:  []string{"empty docker/registry/v2/blobs", "upload a/b id data"},
	},
	"temporary files beside": {
		before: append([]string{
			"blob L 10", "layer a L", "file " + layerFolder("a", "L") + "/link.1.tmp", "file " + blobFolder("L") + "/data.1.tmp",
		}, other...),
		drop:  "L",
		after: other,
	},
}

func TestBlobGoesWhole(t *testing.T) {
	for name, test := range wholes {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, test.before...)
			k, d := newKeeper(t, root, Options{}, 1<<30)
			k.rhythm.grace = time.Minute // or the walk would remove empty folders
			must(t, k.inspect(t.Context()))
			if len(d.evicted) > 0 {
				t.Fatalf("the walk removed something: %v", d.evicted)
			}
			if gone, err := k.drop(keyOfName(test.drop), bySpace); !gone || err != nil {
				t.Fatalf("drop: %v, %v", gone, err)
			}
			slices.Sort(test.after)
			wantTree(t, root, slices.Compact(test.after))
			d.evicted = nil
			must(t, k.inspect(t.Context()))
			if len(d.evicted) > 0 {
				t.Errorf("it left something for the next walk: %v", d.evicted)
			}
			wantTree(t, root, slices.Compact(test.after))
		})
	}
}

func TestMovedTagStaysWhenTheIndexDoesNotKnow(t *testing.T) {
	root := t.TempDir()
	plant(t, root, image("x", "v1", "M", "L")...)
	k, d := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	d.before = func(digest.Digest) { plant(t, root, image("x", "v1", "N", "K")...) }
	if gone, err := k.drop(keyOfName("M"), bySpace); !gone || err != nil {
		t.Fatalf("drop: %v, %v", gone, err)
	}
	wantTree(t, root, append(image("x", "v1", "N", "K"), "blob L 4096", "layer x L"))
}
