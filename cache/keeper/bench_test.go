package keeper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/registry-cache/registry-cache/cache/store"
)

// plantMany makes a store of n blobs: images of nine layers and a manifest with a tag, fifty to a repository.
func plantMany(b *testing.B, root string, n int) {
	b.Helper()
	write := func(l store.Location, content string) {
		file := filepath.Join(root, l.Path())
		must(b, os.MkdirAll(filepath.Dir(file), 0o755))
		must(b, os.WriteFile(file, []byte(content), 0o644))
	}
	for i := range n {
		dgst := digest.FromString(strconv.Itoa(i))
		repository, tag := "library/app"+strconv.Itoa(i/500), "v"+strconv.Itoa(i/10)
		write(store.Location{Kind: store.BlobData, Digest: dgst}, "0123456789")
		kinds := []store.Kind{store.LayerLink}
		if i%10 == 0 {
			kinds = []store.Kind{store.RevisionLink, store.TagIndex, store.TagCurrent}
		}
		for _, kind := range kinds {
			write(store.Location{Kind: kind, Repository: repository, Tag: tag, Digest: dgst}, dgst.String())
		}
	}
}

const many = 100_000

// BenchmarkWalk is the walk at start over 100,000 blobs.
func BenchmarkWalk(b *testing.B) {
	root := b.TempDir()
	plantMany(b, root, many)
	before := heap()
	var k *Keeper
	for b.Loop() {
		k, _ = newKeeper(b, root, Options{TTL: 1 << 50}, 1<<50)
		must(b, k.inspect(b.Context()))
	}
	blobs, _ := k.index.sum()
	b.ReportMetric(float64(heap()-before)/float64(blobs), "B/blob")
	if blobs != many {
		b.Fatalf("the walk found %d blobs", blobs)
	}
	runtime.KeepAlive(k)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkEvict is one pass that removes a tenth of 100,000 blobs.
func BenchmarkEvict(b *testing.B) {
	root := b.TempDir()
	for b.Loop() {
		b.StopTimer()
		plantMany(b, root, many)
		k, _ := newKeeper(b, root, Options{}, 1<<50)
		must(b, k.inspect(b.Context()))
		b.StartTimer()
		if count, _ := k.evict(b.Context(), need{bytes: many / 10 * blockSize}); count != many/10 {
			b.Fatalf("%d blobs were removed", count)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/(many/10), "µs/blob")
}

// BenchmarkChoose is what a pass over 100,000 blobs costs before anything is removed.
func BenchmarkChoose(b *testing.B) {
	k := planted(many)
	for b.Loop() {
		k.index.leastRecent()
	}
}

// BenchmarkUsed is what a pull waits for, while passes go on.
func BenchmarkUsed(b *testing.B) {
	k := planted(many)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			k.index.leastRecent()
		}
	}()
	dgst := digest.FromString("7")
	for b.Loop() {
		k.Used(dgst)
	}
	cancel()
	<-done
}

// BenchmarkSave is the schedule of 100,000 blobs.
func BenchmarkSave(b *testing.B) {
	k := planted(many)
	file := filepath.Join(b.TempDir(), stateFile)
	for b.Loop() {
		must(b, writeState(file, k.index.entries()))
	}
	if info, err := os.Stat(file); err == nil {
		b.ReportMetric(float64(info.Size())/many, "B/blob")
	}
}

// planted is a keeper that knows n blobs that are nowhere.
func planted(n int) *Keeper {
	k := New(Options{TTL: 1 << 50})
	for i := range n {
		dgst := digest.FromString(strconv.Itoa(i))
		k.Committed(dgst, 10)
		k.Linked(store.Location{Kind: store.LayerLink, Repository: fmt.Sprintf("library/app%d", i/500), Digest: dgst})
	}
	return k
}
