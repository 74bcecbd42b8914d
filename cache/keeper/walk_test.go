package keeper

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/cache/store"
)

// What the driver says while a walk is under way is newer than what the walk has seen.
func TestWalkDoesNotOverruleTheDriver(t *testing.T) {
	k, _ := newKeeper(t, t.TempDir(), Options{TTL: day}, 1<<30)
	x := k.index
	x.begin()
	m, n := keyOfName("M"), keyOfName("N")
	tag := locationOf("tag x v1 M")

	k.Committed(dgstOf("N"), 20)
	k.Linked(locationOf("tag x v1 N"))
	x.found([]found{{key: n, size: 10, touched: today.Add(-time.Hour)}, {key: m, size: 10, touched: today.Add(-time.Hour)}}, today)
	x.foundLinks([]foundLink{{m, tag}}) // read before it was moved
	x.restore(map[key]schedule{n: {fetched: today.Add(-day / 2)}, m: {fetched: today.Add(-day / 2)}}, today, day)

	if links := x.links(m); len(links) > 0 {
		t.Errorf("the tag points to the earlier manifest again: %v", links)
	}
	if diff := cmp.Diff([]store.Location{locationOf("tag x v1 N")}, x.links(n)); diff != "" {
		t.Errorf("links to the later manifest (-want +got):\n%s", diff)
	}
	if b := x.blobs[n]; b.size != 20 || b.used != today.UnixNano() || b.expires != seconds(today.Add(day)) {
		t.Errorf("what was fetched meanwhile is known as %+v", b)
	}
	if b := x.blobs[m]; b.size != 10 || b.expires != seconds(today.Add(day/2)) {
		t.Errorf("what was there is known as %+v", b)
	}
	if x.bytes != 30 {
		t.Errorf("the index has %d bytes", x.bytes)
	}

	x.begin() // the next walk sees that the tag was moved back while nobody told
	x.foundLinks([]foundLink{{m, tag}})
	if len(x.links(n)) > 0 || len(x.links(m)) != 1 {
		t.Errorf("links: %v and %v", x.links(n), x.links(m))
	}
}

func TestUsedBeforeItIsFound(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "blob L 10 @2h", "layer x L", "blob K 10 @1h", "layer x K")
	k, d := newKeeper(t, root, Options{}, 1<<30)
	k.Used(dgstOf("L"))
	must(t, k.inspect(t.Context()))
	k.evict(t.Context(), need{bytes: 1})
	if diff := cmp.Diff([]dgst{dgstOf("K")}, d.evicted); diff != "" {
		t.Errorf("not in the order of their last use (-want +got):\n%s", diff)
	}
}
