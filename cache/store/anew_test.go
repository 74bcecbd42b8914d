package store_test

import (
	"context"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	storagedriver "github.com/distribution/distribution/v3/registry/storage/driver"
	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/faults"
	"github.com/registry-cache/registry-cache/cache/store"
)

// TestStoredAnew stores what could neither be used nor be removed: whatever the driver still has in mind to remove must not be
// what has come in its place.
func TestStoredAnew(t *testing.T) {
	ctx, content := context.Background(), []byte("{}")
	dgst := digest.FromBytes(content)
	blob := store.Location{Kind: store.BlobData, Digest: dgst}.Path()
	link := store.Location{Kind: store.RevisionLink, Repository: "library/one", Digest: dgst}.Path()
	for name, c := range map[string]struct {
		path    string
		content []byte
		before  func(t *testing.T, d *store.Driver, puts *faults.Driver, disk storagedriver.StorageDriver)
	}{
		"a blob that broke off": {blob, content, func(t *testing.T, d *store.Driver, puts *faults.Driver, _ storagedriver.StorageDriver) {
			puts.Set(&faults.Fault{Operation: faults.PutContent, Err: syscall.ENOSPC, Leave: true})
			mustPut(t, d, blob, content)
		}},
		"a link that broke off": {link, []byte(dgst), func(t *testing.T, d *store.Driver, puts *faults.Driver, _ storagedriver.StorageDriver) {
			mustPut(t, d, blob, content)
			puts.Set(&faults.Fault{Operation: faults.PutContent, Err: syscall.ENOSPC, Leave: true})
			mustPut(t, d, link, []byte(dgst))
		}},
		"a link that a crash has emptied": {link, []byte(dgst), func(t *testing.T, d *store.Driver, _ *faults.Driver, disk storagedriver.StorageDriver) {
			mustPut(t, d, blob, content)
			mustPut(t, disk, link, nil)
			if _, err := d.GetContent(ctx, link); err == nil {
				t.Error("an empty link is there")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := inmemory.New()
				deletes := faults.New(disk)
				puts := faults.New(deletes)
				d := store.New(puts, store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry())})
				deletes.Set(&faults.Fault{Operation: faults.Delete, Err: syscall.EIO})
				c.before(t, d, puts, disk)
				synctest.Wait()
				if deletes.Count() == 0 {
					t.Error("nothing failed to be removed, so this test shows nothing")
				}
				deletes.Set(nil)
				puts.Set(nil)
				mustPut(t, d, c.path, c.content)
				time.Sleep(10 * time.Minute) // much longer than until the driver tries again
				if got, err := disk.GetContent(ctx, c.path); err != nil || string(got) != string(c.content) {
					t.Errorf("it has %q and %v", got, err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func mustPut(t *testing.T, d storagedriver.StorageDriver, path string, content []byte) {
	t.Helper()
	if err := d.PutContent(context.Background(), path, content); err != nil {
		t.Fatal(err)
	}
}
