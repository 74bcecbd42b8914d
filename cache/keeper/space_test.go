package keeper

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
)

func TestLimits(t *testing.T) {
	const gib = 1 << 30
	usual := limits{high: 0.9, low: 0.8}
	for name, test := range map[string]struct {
		limits        limits
		capacity      int64
		least, wanted int64
	}{
		"usual":                             {usual, 100 * gib, 10 * gib, 20 * gib},
		"small":                             {usual, 1000, 100, 200},
		"nothing":                           {usual, 0, 0, 0},
		"high watermark, large volume":      {limits{high: 1, low: 1}, 100 * gib, gib, gib},
		"high watermark, small volume":      {limits{high: 1, low: 1}, 1000, 50, 50},
		"a reserve above the watermarks":    {limits{high: 0.75, low: 0.5, reserve: 400}, 1000, 400, 650},
		"a reserve below the watermarks":    {limits{high: 0.75, low: 0.5, reserve: 100}, 1000, 250, 500},
		"a reserve greater than the volume": {limits{high: 0.75, low: 0.75, reserve: 4000}, 1000, 500, 500},
	} {
		t.Run(name, func(t *testing.T) {
			least, wanted := test.limits.free(test.capacity)
			near := func(a, b int64) bool { return max(a-b, b-a) <= 1 } // fractions are not exact
			if !near(least, test.least) || !near(wanted, test.wanted) {
				t.Errorf("free: %d and %d, want %d and %d", least, wanted, test.least, test.wanted)
			}
		})
	}
}

func TestNeed(t *testing.T) {
	l := limits{high: 0.75, low: 0.5}
	for name, test := range map[string]struct {
		volume volume
		failed bool
		want   need
	}{
		"room":                     {volume{1000, 250, 100, 25}, false, need{}},
		"little room":              {volume{1000, 249, 100, 25}, false, need{bytes: 251}},
		"few inodes":               {volume{1000, 250, 100, 24}, false, need{inodes: 26}},
		"no inodes are counted":    {volume{1000, 250, 0, 0}, false, need{}},
		"a write failed":           {volume{1000, 300, 100, 30}, true, need{bytes: 200, inodes: 20}},
		"a write failed with room": {volume{1000, 600, 100, 60}, true, need{bytes: -100, inodes: -10}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := l.need(test.volume, test.failed); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// four are four blobs of 4 KiB, named for their age.
var four = []string{
	"blob d4 4096 @4h", "layer x d4 @4h",
	"blob d3 4096 @3h", "layer x d3 @3h",
	"blob d2 4096 @2h", "layer x d2 @2h",
	"blob d1 4096 @1h", "layer x d1 @1h",
}

// foreign lets somebody else use the volume too.
func foreign(k *Keeper, bytes int64) {
	inner := k.statfs
	k.statfs = func(root string) (volume, error) {
		v, err := inner(root)
		v.free -= bytes
		return v, err
	}
}

var rooms = map[string]struct {
	capacity int64 // high 75 %, low 50 %; the store has 16 KiB, and a bit of links
	prepare  func(k *Keeper, d *driver)
	gone     []string
}{
	"there is room":            {capacity: 32 << 10},
	"between the watermarks":   {capacity: 24 << 10},
	"above the high watermark": {capacity: 20 << 10, gone: []string{"d4", "d3"}},
	"somebody else fills it":   {capacity: 32 << 10, prepare: func(k *Keeper, _ *driver) { foreign(k, 8<<10) }, gone: []string{"d4", "d3", "d2"}},
	"somebody else fills it whole": {capacity: 64 << 10, prepare: func(k *Keeper, _ *driver) { foreign(k, 64<<10) },
		gone: []string{"d4", "d3", "d2", "d1"}},
	"the oldest is used meanwhile": {capacity: 20 << 10, prepare: func(k *Keeper, _ *driver) { k.Used(dgstOf("d4")) },
		gone: []string{"d3", "d2"}},
	"the oldest is pulled again": {capacity: 20 << 10, prepare: func(k *Keeper, _ *driver) { k.Linked(locationOf("layer x d4")) },
		gone: []string{"d3", "d2"}},
	"the oldest is being served": {capacity: 20 << 10, prepare: func(_ *Keeper, d *driver) { d.busy = map[digest.Digest]bool{dgstOf("d4"): true} },
		gone: []string{"d3", "d2"}},
	"one is used while others go": {capacity: 20 << 10, prepare: func(k *Keeper, d *driver) {
		d.before = func(digest.Digest) { k.Used(dgstOf("d3")) }
	}, gone: []string{"d4", "d2"}},
	"the store is bypassed":         {capacity: 20 << 10, prepare: func(_ *Keeper, d *driver) { d.bypassed = true }},
	"the volume cannot be measured": {capacity: 20 << 10, prepare: func(k *Keeper, _ *driver) { k.statfs = func(string) (volume, error) { return volume{}, syscall.EIO } }},
	"a write failed":                {capacity: 24 << 10, prepare: func(k *Keeper, _ *driver) { k.NoSpace(syscall.ENOSPC) }, gone: []string{"d4", "d3"}},
	"a write failed with room":      {capacity: 64 << 10, prepare: func(k *Keeper, _ *driver) { k.NoSpace(syscall.EDQUOT) }, gone: []string{"d4"}},
	"inodes": {capacity: 64 << 10, prepare: func(k *Keeper, _ *driver) {
		k.statfs = func(string) (volume, error) {
			blobs, _ := k.index.sum()
			return volume{64 << 10, 40 << 10, 20, 20 - int64(blobs)*inodesOfBlob}, nil
		}
	}, gone: []string{"d4", "d3"}},
}

func TestRoomIsMade(t *testing.T) {
	for name, test := range rooms {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, four...)
			k, d := newKeeper(t, root, Options{High: 0.75, Low: 0.5, Reserve: 1}, test.capacity)
			must(t, k.inspect(t.Context()))
			if test.prepare != nil {
				test.prepare(k, d)
			}
			k.check(t.Context())
			var want []digest.Digest
			for _, name := range test.gone {
				want = append(want, dgstOf(name))
			}
			if diff := cmp.Diff(want, d.evicted); diff != "" {
				t.Errorf("not the right ones went, or not in the right order (-want +got):\n%s", diff)
			}
			d.evicted = nil
			k.check(t.Context())
			if len(d.evicted) > 0 {
				t.Errorf("the next check removed more: %v", d.evicted)
			}
		})
	}
}

// TestManifestsGoLater keeps a manifest for a while longer than layers that were used when it was, and not for ever.
func TestManifestsGoLater(t *testing.T) {
	for age, want := range map[string][]string{"210m": {"d4", "d3"}, "330m": {"d5", "d4"}} {
		root := t.TempDir()
		plant(t, root,
			"blob d5 4096 @"+age, "revision x d5 @"+age,
			"blob d4 4096 @4h", "layer x d4 @4h",
			"blob d3 4096 @3h", "layer x d3 @3h",
			"blob d1 4096 @1h", "layer x d1 @1h",
		)
		k, d := newKeeper(t, root, Options{High: 0.75, Low: 0.5, Reserve: 1}, 20<<10)
		must(t, k.inspect(t.Context()))
		k.check(t.Context())
		var gone []digest.Digest
		for _, name := range want {
			gone = append(gone, dgstOf(name))
		}
		if diff := cmp.Diff(gone, d.evicted); diff != "" {
			t.Errorf("a manifest used %s ago: not the right ones went (-want +got):\n%s", age, diff)
		}
	}
}

func TestNothingGoesBeforeTheWalkHasEnded(t *testing.T) {
	root := t.TempDir()
	plant(t, root, four...)
	k, d := newKeeper(t, root, Options{}, 4096)
	k.index.found([]found{{key: keyOfName("d4"), size: 4096, touched: today}}, today)
	k.NoSpace(syscall.ENOSPC)
	k.check(t.Context())
	if len(d.evicted) > 0 {
		t.Fatalf("without its links a blob cannot go whole: %v", d.evicted)
	}
	must(t, k.inspect(t.Context()))
	k.check(t.Context())
	if len(d.evicted) == 0 {
		t.Error("the keeper has forgotten that a write failed")
	}
}

func TestRemovalsThatFailEnd(t *testing.T) {
	root := t.TempDir()
	k, _ := newKeeper(t, root, Options{}, 100)
	for i := range 100 {
		k.index.found([]found{{key: key(dgstOf(string(rune('a' + i)))[7:39]), size: 1, touched: today}}, today)
	}
	refusals := 0
	k.driver = refusing(func() { refusals++ })
	k.ready.Store(true)
	k.statfs = func(string) (volume, error) { return volume{capacity: 100}, nil }
	k.makeRoom(t.Context())
	if refusals != maxFailures {
		t.Errorf("%d removals were tried, want %d", refusals, maxFailures)
	}
	k.makeRoom(t.Context())
	if refusals != maxFailures {
		t.Errorf("it was tried again at once")
	}
	k.NoSpace(syscall.ENOSPC)
	k.makeRoom(t.Context())
	if refusals != 2*maxFailures {
		t.Errorf("%d removals were tried after a write failed, want %d", refusals, 2*maxFailures)
	}
}

// refusing is a driver on a read-only volume.
type refusing func()

func (f refusing) Evict(digest.Digest, func() error) (bool, error) {
	f()
	return true, errors.New("read-only file system")
}
func (refusing) Uploading(string, string) bool { return false }
func (refusing) Bypassed() bool                { return false }

func TestBadBlobGoesWithItsLinks(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "layer y L")...)
	k, d := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	d.busy = map[digest.Digest]bool{dgstOf("L"): true}
	k.Bad(dgstOf("L"), errors.New("flipped"))
	k.check(t.Context())
	wantTree(t, root, append(image("x", "v1", "M", "L"), "layer y L"))
	d.busy = nil
	k.check(t.Context())
	wantTree(t, root, image("x", "v1", "M", "L")[2:])
	if len(k.index.condemned()) > 0 {
		t.Error("it will be removed again")
	}
}

func TestBadBlobThatWasFetchedAnewStays(t *testing.T) {
	root := t.TempDir()
	plant(t, root, image("x", "v1", "M", "L")...)
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	k.Bad(dgstOf("L"), errors.New("flipped"))
	k.Committed(dgstOf("L"), 4096)
	k.check(t.Context())
	wantTree(t, root, image("x", "v1", "M", "L"))
}

func TestChecksEndWithTheirContext(t *testing.T) {
	root := t.TempDir()
	plant(t, root, four...)
	k, d := newKeeper(t, root, Options{}, 1)
	must(t, k.inspect(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	d.before = func(digest.Digest) { cancel() }
	k.check(ctx)
	if len(d.evicted) != 1 {
		t.Errorf("%d blobs went, want the one at which it ended", len(d.evicted))
	}
}
