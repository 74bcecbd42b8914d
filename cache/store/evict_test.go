package store_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/opencontainers/go-digest"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/registry-cache/registry-cache/cache/store"
)

// TestEvictUsed evicts a blob that is being read.
func TestEvictUsed(t *testing.T) {
	ctx := context.Background()
	d := store.New(inmemory.New(), store.Options{Metrics: store.NewMetrics(prometheus.NewRegistry())})
	content := strings.Repeat("x", 2<<20)
	dgst := digest.FromString(content)
	path := store.Location{Kind: store.BlobData, Digest: dgst}.Path()
	if err := d.PutContent(ctx, path, []byte(content)); err != nil {
		t.Fatal(err)
	}
	reader, err := d.Reader(ctx, path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if evicted, err := d.Evict(dgst, func() error { return nil }); evicted || err != nil {
		t.Errorf("while it is read: evicted %v, %v", evicted, err)
	}
	if read, err := io.ReadAll(reader); err != nil || string(read) != content {
		t.Errorf("%d bytes, %v", len(read), err)
	}
	_ = reader.Close()
	if evicted, err := d.Evict(dgst, func() error { return nil }); !evicted || err != nil {
		t.Errorf("after it was read: evicted %v, %v", evicted, err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
