package keeper

import (
	"io"
	"path/filepath"
	"sync"
	"testing"

	"github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestWithTheDriver lets the keeper work beside the driver it is made for.
func TestWithTheDriver(t *testing.T) {
	root := t.TempDir()
	k, _ := newKeeper(t, root, Options{High: 0.75, Low: 0.5}, 12<<10)
	d := store.New(filesystem.New(filesystem.DriverParameters{RootDirectory: root, MaxThreads: 100}), store.Options{
		Observer: k, Metrics: store.NewMetrics(prometheus.NewRegistry()),
	})
	defer d.Close() //nolint:errcheck // the test is over
	k.driver = d
	must(t, k.inspect(t.Context()))
	put := func(name string) digest.Digest {
		t.Helper()
		content := make([]byte, 4096)
		copy(content, name)
		dgst := digest.FromBytes(content)
		must(t, d.PutContent(t.Context(), store.Location{Kind: store.BlobData, Digest: dgst}.Path(), content))
		for _, l := range []store.Location{
			{Kind: store.RevisionLink, Repository: "lib/x", Digest: dgst},
			{Kind: store.TagIndex, Repository: "lib/x", Tag: name, Digest: dgst},
			{Kind: store.TagCurrent, Repository: "lib/x", Tag: name, Digest: dgst},
		} {
			must(t, d.PutContent(t.Context(), l.Path(), []byte(dgst)))
		}
		return dgst
	}
	served, removed, kept := put("served"), put("removed"), put("kept")
	reader, err := d.Reader(t.Context(), store.Location{Kind: store.BlobData, Digest: served}.Path(), 0)
	must(t, err)
	k.check(t.Context()) // two are to go; one of those is being served
	if _, err := io.Copy(io.Discard, reader); err != nil {
		t.Errorf("reading what is being served: %v", err)
	}
	must(t, reader.Close())
	for dgst, want := range map[digest.Digest]bool{served: true, removed: false, kept: false} {
		_, err := d.Stat(t.Context(), store.Location{Kind: store.BlobData, Digest: dgst}.Path())
		if got := err == nil; got != want {
			t.Errorf("%s is there: %v, want %v", dgst, got, want)
		}
	}
	if links, blobs := consistency(t, root); links > 0 || blobs > 0 {
		t.Errorf("%d links have no blob and %d blobs have no link", links, blobs)
	}
}

// TestPullsAndRemovalsAtOnce writes the same content again and again through the driver while the keeper removes it.
func TestPullsAndRemovalsAtOnce(t *testing.T) {
	root := t.TempDir()
	k, _ := newKeeper(t, root, Options{}, 1<<40)
	d := store.New(filesystem.New(filesystem.DriverParameters{RootDirectory: root, MaxThreads: 100}), store.Options{
		Observer: k, Metrics: store.NewMetrics(prometheus.NewRegistry()),
	})
	k.driver = d
	must(t, k.inspect(t.Context()))
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := range 50 {
				content := []byte{byte((worker + i) % 3)}
				dgst := digest.FromBytes(content)
				_ = d.PutContent(t.Context(), store.Location{Kind: store.BlobData, Digest: dgst}.Path(), content)
				for _, kind := range []store.Kind{store.RevisionLink, store.TagIndex, store.TagCurrent} {
					l := store.Location{Kind: kind, Repository: "lib/x", Tag: "v1", Digest: dgst}
					_ = d.PutContent(t.Context(), l.Path(), []byte(dgst))
				}
			}
		})
	}
	stop := make(chan struct{})
	var removals sync.WaitGroup
	removals.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				k.evict(t.Context(), need{bytes: 1})
			}
		}
	})
	work.Wait()
	close(stop)
	removals.Wait()
	must(t, d.Close())
	links, _ := consistency(t, root)
	if links > 0 {
		t.Errorf("%d links have no blob: %v", links, files(t, filepath.Join(root, "docker")))
	}
}
