package keeper

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

const repositories = "docker/registry/v2/repositories/"

func TestLeaksAreRemoved(t *testing.T) {
	for name, test := range map[string]struct {
		before []string
		after  []string // besides other
	}{
		"a blob without a link":                       {before: []string{"blob L 10"}},
		"a manifest without a revision":               {before: []string{"blob M 10", "index x v1 M", "tag x v1 M"}},
		"a manifest that is a layer, with a tag":      {before: []string{"blob M 10", "layer x M", "index x v1 M", "tag x v1 M"}, after: []string{"blob M 10", "layer x M"}},
		"a manifest of another repository, with tags": {before: []string{"blob M 10", "revision y M", "index x v1 M", "tag x v1 M"}, after: []string{"blob M 10", "revision y M"}},
		"links to nothing":                            {before: []string{"layer x L", "layer a/b L", "revision x M", "index x v1 M", "tag x v1 M"}},
		"a tag to nothing":                            {before: []string{"tag x v1 M"}},
		"a tag of which only the history is left": {
			before: []string{"blob M 10", "revision x M", "index x v1 M"}, after: []string{"blob M 10", "revision x M"}},
		"a tag that was cut short":        {before: []string{"blob M 10", "revision x M", "file " + repositories + "x/_manifests/tags/v1/current/link"}, after: []string{"blob M 10", "revision x M"}},
		"a blob's folder without a file":  {before: []string{"empty " + blobFolder("L")}},
		"a manifest that was cut short":   {before: []string{"file " + blobFolder("M") + "/data.1.tmp"}},
		"a link that was cut short":       {before: []string{"file " + layerFolder("x", "L") + "/link.1.tmp"}},
		"a link without a file":           {before: []string{"blob L 10", "layer y L", "empty " + layerFolder("x", "L")}, after: []string{"blob L 10", "layer y L"}},
		"empty repositories":              {before: []string{"empty " + repositories + "a/b/_uploads", "empty " + repositories + "c/_layers/sha256", "empty " + repositories + "d"}},
		"an abandoned upload":             {before: []string{"upload a/b id data @2h", "upload a/b id startedat @2h"}},
		"an abandoned upload beside more": {before: []string{"upload x id data @2h", "upload x new data @10m"}, after: []string{"upload x new data"}},
		"an upload that goes on":          {before: []string{"upload x id startedat @2h", "upload x id data @10m"}, after: []string{"upload x id startedat", "upload x id data"}},
		"an old upload of this process":   {before: []string{"upload x mine data @2h"}, after: []string{"upload x mine data"}},
		"a state that was cut short":      {before: []string{"file scheduler-state.json.1.tmp @1h"}},
		"what is none of ours": {before: []string{"file note", "file docker/registry/v2/note", "file " + repositories + "x/_other/note"},
			after: []string{"file note", "file docker/registry/v2/note", "file " + repositories + "x/_other/note"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, slices.Concat(other, test.before)...)
			k, d := newKeeper(t, root, Options{}, 1<<30)
			k.driver = d
			d.uploads = map[string]bool{"x mine": true}
			must(t, k.inspect(t.Context()))
			wantTree(t, root, slices.Concat(other, test.after))
			must(t, k.inspect(t.Context()))
			wantTree(t, root, slices.Concat(other, test.after))
		})
	}
}

func TestWhatIsOnItsWayIsNoLeak(t *testing.T) {
	root := t.TempDir()
	k, d := newKeeper(t, root, Options{}, 1<<30)
	k.rhythm.grace = 10 * time.Minute
	k.started = today.Add(-time.Hour)
	before := []string{
		"blob L 10",                                               // its link comes next
		"blob M 10", "revision y M", "index x v1 M", "tag x v1 M", // its revision comes next
		"blob N 10", "revision x N", "index x v2 N", // its tag comes next
		"empty " + repositories + "new/_uploads", // its upload comes next
	}
	plant(t, root, before...)
	k.Committed(dgstOf("L"), 10)
	k.Linked(locationOf("tag x v1 M"))
	must(t, k.inspect(t.Context()))
	wantTree(t, root, before)
	k.now = func() time.Time { return today.Add(11 * time.Minute) }
	must(t, k.inspect(t.Context()))
	wantTree(t, root, []string{"blob M 10", "revision y M", "blob N 10", "revision x N"})
	if len(d.evicted) != 2 {
		t.Errorf("%d were removed, want a blob and a tag", len(d.evicted))
	}
}

func TestBusyLeakStays(t *testing.T) {
	root := t.TempDir()
	before := []string{"blob L 10", "layer x M"}
	plant(t, root, before...)
	k, d := newKeeper(t, root, Options{}, 1<<30)
	d.busy = map[digest.Digest]bool{dgstOf("L"): true, dgstOf("M"): true}
	must(t, k.inspect(t.Context()))
	wantTree(t, root, before)
}

// What seems to be wrong is looked at again while nobody can write.
func TestLeakThatHealsStays(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "blob L 10", "layer x M", "blob N 10", "layer y N", "tag x v1 N", "empty "+layerFolder("x", "O"), "blob O 10", "layer y O")
	k, d := newKeeper(t, root, Options{}, 1<<30)
	d.before = func(dgst digest.Digest) {
		switch dgst {
		case dgstOf("L"):
			plant(t, root, "layer x L")
			k.Linked(locationOf("layer x L"))
		case dgstOf("M"):
			plant(t, root, "blob M 10")
		case dgstOf("N"):
			plant(t, root, "revision x N")
		case dgstOf("O"):
			plant(t, root, "layer x O")
		}
	}
	must(t, k.inspect(t.Context()))
	wantTree(t, root, []string{
		"blob L 10", "layer x L", "blob M 10", "layer x M", "blob N 10", "layer y N", "tag x v1 N", "revision x N",
		"layer x O", "blob O 10", "layer y O",
	})
}

func TestPassNoticesWhatOthersRemoved(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "layer y L")...)
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	must(t, removeFile(root+"/"+blobFolder("M")+"/data"))
	must(t, removeFile(root+"/"+layerFolder("y", "L")+"/link"))
	must(t, k.inspect(t.Context()))
	wantTree(t, root, []string{"blob L 4096", "layer x L"})
	if blobs, bytes := k.index.sum(); blobs != 1 || bytes != 4096 {
		t.Errorf("the index has %d blobs with %d bytes", blobs, bytes)
	}
	if links := k.index.links(keyOfName("L")); len(links) != 1 {
		t.Errorf("the index has links that are not there: %v", links)
	}
}

// When a part of the store cannot be read, what seems not to be there may be there.
func TestNothingIsALeakWhenTheWalkFails(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "file "+repositories+"y/_layers")...)
	plant(t, root, "blob N 10", "file "+repositories+"z/_manifests/tags/v1/current")
	k, d := newKeeper(t, root, Options{}, 1<<30)
	err := k.inspect(t.Context())
	if err == nil || !strings.Contains(err.Error(), "current") {
		t.Fatalf("the walk says: %v", err)
	}
	if len(d.evicted) > 0 || k.ready.Load() {
		t.Errorf("it went on: %v, ready %v", d.evicted, k.ready.Load())
	}
}

// At start nobody waits for temporary files to be found, which are small.
func TestTemporaryFilesGoLater(t *testing.T) {
	root := t.TempDir()
	plant(t, root, image("x", "v1", "M", "L")...)
	plant(t, root, "file "+layerFolder("x", "L")+"/link.1.tmp", "file "+blobFolder("M")+"/data.1.tmp",
		"file "+repositories+"x/_manifests/tags/v1/current/link.1.tmp")
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	must(t, k.inspect(t.Context()))
	wantTree(t, root, image("x", "v1", "M", "L"))
}
