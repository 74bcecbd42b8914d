package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/faults"
	"github.com/registry-cache/registry-cache/cache/store"
)

// TestNobodyWaitsWhileBypassed has a removal hang with the store: who stores the same blob, or a link to it, must not wait for
// it to end. Every pull of it would.
func TestNobodyWaitsWhileBypassed(t *testing.T) {
	ctx, content := context.Background(), []byte("{}")
	dgst := digest.FromBytes(content)
	const upload = "/docker/registry/v2/repositories/library/one/_uploads/1-2/data"
	blob := store.Location{Kind: store.BlobData, Digest: dgst}.Path()
	link := store.Location{Kind: store.RevisionLink, Repository: "library/one", Digest: dgst}.Path()
	for name, write := range map[string]func(*store.Driver) error{
		"a manifest": func(d *store.Driver) error { return d.PutContent(ctx, blob, content) },
		"a link":     func(d *store.Driver) error { return d.PutContent(ctx, link, []byte(dgst)) },
		"a layer":    func(d *store.Driver) error { return d.Move(ctx, upload, blob) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := faults.New(inmemory.New())
				d := store.New(disk, store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry())})
				mustPut(t, d, blob, content)
				w, err := d.Writer(ctx, upload, false)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(content); err != nil {
					t.Fatal(err)
				}
				if err := w.Commit(ctx); err != nil {
					t.Fatal(err)
				}
				hang := make(chan struct{})
				go d.Evict(dgst, func() error { <-hang; return ctx.Err() }) //nolint:errcheck // it ends with the test
				disk.Set(&faults.Fault{Operation: faults.Stat, Hang: hang})
				_, _ = d.Stat(ctx, "/else")
				if !d.Bypassed() {
					t.Fatal("the store is not bypassed, so this test shows nothing")
				}
				start := time.Now()
				if err := write(d); err != nil {
					t.Error(err)
				}
				if waited := time.Since(start); waited > 0 {
					t.Errorf("it waited for %s", waited)
				}
				close(hang)
				synctest.Wait()
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
