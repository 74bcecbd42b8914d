package store_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// witness writes down what it is told, of bad blobs only after a while, in which it calls meanwhile.
type witness struct {
	store.Nobody
	mu        sync.Mutex
	seen      []string
	meanwhile func()
}

func (w *witness) saw(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, what)
}

func (w *witness) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

func (w *witness) Committed(digest.Digest, int64) { w.saw("committed") }

func (w *witness) Bad(digest.Digest, error) {
	go w.meanwhile()
	time.Sleep(time.Second)
	w.saw("bad")
}

// TestBadBeforeCommittedAnew: told the other way round, an observer would take the good blob for bad, and remove it.
func TestBadBeforeCommittedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := []byte("{}")
		path := store.Location{Kind: store.BlobData, Digest: digest.FromBytes(content)}.Path()
		disk, w := inmemory.New(), &witness{}
		d := store.New(disk, store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry()), Observer: w})
		w.meanwhile = func() {
			if err := d.PutContent(context.Background(), path, content); err != nil {
				t.Error(err)
			}
		}
		mustPut(t, d, path, content)
		mustPut(t, disk, path, []byte("rotten"))
		if _, err := d.Stat(context.Background(), path); err == nil {
			t.Error("a bad blob is there")
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"committed", "bad", "committed"}, w.all()); diff != "" {
			t.Errorf("the observer was told (-want +got):\n%s", diff)
		}
		if got, err := disk.GetContent(context.Background(), path); err != nil || string(got) != string(content) {
			t.Errorf("the store has %q and %v", got, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}
