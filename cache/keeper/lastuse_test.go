package keeper

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLastUseSurvivesARestart(t *testing.T) {
	root := t.TempDir()
	plant(t, root, four...)
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	k.Used(dgstOf("d4"))
	k.Used(dgstOf("d2"))
	k.check(t.Context())
	k.note()

	k, d := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	k.now = func() time.Time { return today.Add(time.Hour) }
	k.evict(t.Context(), need{bytes: 1 << 30})
	// d2 and d4 were used at the same time.
	if diff := cmp.Diff([]dgst{dgstOf("d3"), dgstOf("d1")}, d.evicted[:2]); diff != "" {
		t.Errorf("not in the order of their last use (-want +got):\n%s", diff)
	}
	if len(d.evicted) != 4 {
		t.Errorf("%d went, want all", len(d.evicted))
	}
}

func TestLastUseIsWrittenNowAndThen(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "blob L 10 @30s", "layer x L")
	k, _ := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	written := func() time.Duration {
		info, err := os.Stat(filepath.Join(root, blobFolder("L"), "data"))
		must(t, err)
		return info.ModTime().Sub(today)
	}
	for _, step := range []struct{ at, want time.Duration }{
		{0, -30 * time.Second}, // nearly exact as it is
		{20 * time.Second, -30 * time.Second},
		{40 * time.Second, 40 * time.Second},
		{99 * time.Second, 40 * time.Second},
		{100 * time.Second, 100 * time.Second},
		{2 * time.Minute, 100 * time.Second},
	} {
		k.now = func() time.Time { return today.Add(step.at) }
		k.Used(dgstOf("L"))
		k.check(t.Context())
		k.note()
		if got := written(); got != step.want {
			t.Errorf("after %s the file says %s, want %s", step.at, got, step.want)
		}
	}
}

func TestLastUseInTheFutureIsNow(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "blob L 10 @-48h", "layer x L", "blob K 10 @1h", "layer x K")
	k, d := newKeeper(t, root, Options{}, 1<<30)
	must(t, k.inspect(t.Context()))
	k.now = func() time.Time { return today.Add(time.Minute) }
	k.Used(dgstOf("K"))
	k.evict(t.Context(), need{bytes: 1})
	if diff := cmp.Diff([]dgst{dgstOf("L")}, d.evicted); diff != "" {
		t.Errorf("a clock that was wrong keeps a blob for ever (-want +got):\n%s", diff)
	}
}
