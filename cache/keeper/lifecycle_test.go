package keeper

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestLifeOfAKeeper(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(image("x", "v1", "M", "L"), "layer x nothing")...)
	registry := prometheus.NewRegistry()
	k := New(Options{Root: root, Registerer: registry, High: 0.75, Low: 0.5})
	k.rhythm.check = time.Millisecond
	k.statfs = func(root string) (volume, error) {
		bytes := used(t, root)
		return volume{capacity: 16 << 10, free: 16<<10 - bytes}, nil
	}
	k.NoSpace(syscall.ENOSPC) // before Start nothing happens
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &driver{}
	k.Start(ctx, d)
	k.Start(ctx, d) // a second time neither
	var pulls sync.WaitGroup
	for worker := range 4 {
		pulls.Go(func() {
			for i := range 50 {
				fill(k, d, root, worker+4*i)
				k.Used(dgstOf("L" + strconv.Itoa(i)))
			}
		})
	}
	pulls.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for used(t, root) > 12<<10 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	must(t, k.Close())
	must(t, k.Close())
	if bytes := used(t, root); bytes > 12<<10 {
		t.Errorf("the store has %d bytes, want less than its high watermark", bytes)
	}
	if links, _ := consistency(t, root); links > 0 {
		t.Errorf("%d links have no blob", links)
	}
	if n := testutil.ToFloat64(k.metrics.evictions.WithLabelValues(bySpace)); n < 100 {
		t.Errorf("%v evictions were counted", n)
	}
	k.Committed(dgstOf("late"), 1) // after Close nothing happens
}

func TestCloseWithoutStart(t *testing.T) { must(t, New(Options{}).Close()) }

func TestCloseDoesNotWaitForADiskThatHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as Close waits")
	}
	t.Parallel()
	k := New(Options{Root: t.TempDir()})
	hang := make(chan struct{})
	k.statfs = func(string) (volume, error) { <-hang; return volume{}, nil }
	k.NoSpace(syscall.ENOSPC)
	k.Start(t.Context(), &driver{})
	time.Sleep(50 * time.Millisecond)
	if err := k.Close(); err == nil {
		t.Error("Close says that the work has ended")
	}
	close(hang)
	<-k.done
}

func TestMetrics(t *testing.T) {
	root := t.TempDir()
	plant(t, root, append(four, "blob leak 4096")...)
	registry := prometheus.NewRegistry()
	k, _ := newKeeper(t, root, Options{Registerer: registry, High: 0.75, Low: 0.5}, 0)
	k.statfs = func(string) (volume, error) { return volume{capacity: 40 << 10, free: 9 << 10}, nil }
	must(t, k.inspect(t.Context()))
	k.check(t.Context())
	want := fmt.Sprintf(`
# HELP registry_cache_blobs Blobs in the store.
# TYPE registry_cache_blobs gauge
registry_cache_blobs 1
# HELP registry_cache_blobs_bytes Bytes of the blobs in the store.
# TYPE registry_cache_blobs_bytes gauge
registry_cache_blobs_bytes 4096
# HELP registry_cache_disk_free_bytes Bytes of the volume that are free.
# TYPE registry_cache_disk_free_bytes gauge
registry_cache_disk_free_bytes 9216
# HELP registry_cache_disk_reserved_bytes Bytes of the volume that are kept free: with fewer, blobs are removed.
# TYPE registry_cache_disk_reserved_bytes gauge
registry_cache_disk_reserved_bytes 10240
# HELP registry_cache_disk_used_bytes Bytes of the volume that are in use, by whomever.
# TYPE registry_cache_disk_used_bytes gauge
registry_cache_disk_used_bytes 31744
# HELP registry_cache_evictions_total Blobs, and remains of blobs, that were removed from the store, by cause.
# TYPE registry_cache_evictions_total counter
registry_cache_evictions_total{cause="bad"} 0
registry_cache_evictions_total{cause="leak"} 1
registry_cache_evictions_total{cause="space"} 3
registry_cache_evictions_total{cause="ttl"} 0
# HELP registry_cache_oldest_last_use_timestamp_seconds When the blob was last used that was not used for longest; 0 if there is none.
# TYPE registry_cache_oldest_last_use_timestamp_seconds gauge
registry_cache_oldest_last_use_timestamp_seconds %g
`, float64(today.Add(-time.Hour).Unix()))
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
