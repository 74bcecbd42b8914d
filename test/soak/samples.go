package main

import (
	"context"
	"sync"
	"time"

	"github.com/registry-cache/registry-cache/test/livecluster"
)

// samples are values over time.
type samples struct {
	lock  sync.Mutex
	names []string // of series, in the order of their first values
	list  map[string][]value
}

type value struct {
	at    time.Time
	value float64
}

func (s *samples) add(series string, v float64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.list == nil {
		s.list = map[string][]value{}
	}
	if s.list[series] == nil {
		s.names = append(s.names, series)
	}
	s.list[series] = append(s.list[series], value{time.Now(), v})
}

// sample looks at everything now and then.
func (s *soak) sample(until, ctx context.Context) error {
	every := min(max(s.duration/60, 3*time.Second), 10*time.Second)
	for pause(until, every) {
		s.collect(ctx)
		for _, node := range s.nodes {
			if err := sampleNode(node, s.samples.add); err != nil {
				return err
			}
		}
		for _, u := range s.upstreams {
			if err := s.sampleVolume(u.name, s.samples.add); err != nil {
				return err
			}
		}
	}
	return nil
}

// collect asks all caches that run for what they have counted, and counts the requests to upstreams.
func (s *soak) collect(ctx context.Context) {
	for _, u := range s.upstreams {
		u.drain()
		limited, cancel := context.WithTimeout(ctx, 2*time.Second)
		families, err := s.cluster.Metrics(limited, namespace, podName(u.name))
		cancel()
		if err != nil {
			continue // it does not run: that is looked at elsewhere
		}
		s.totals.add(u.name, families)
		s.samples.add("cache of "+u.name+", MiB", families.Sum("process_resident_memory_bytes")/mib)
		s.samples.add("cache of "+u.name+", goroutines", families.Sum("go_goroutines"))
		s.samples.add("cache of "+u.name+", open files", families.Sum("process_open_fds"))
	}
}

// counters are what is summed up over all processes of a cache.
var counters = []struct {
	name, metric string
	labels       []string
}{
	{"hits", "registry_proxy_hits_total", []string{"type", "blob"}},
	{"misses", "registry_proxy_misses_total", []string{"type", "blob"}},
	{"evicted for space", "registry_cache_evictions_total", []string{"cause", "space"}},
	{"expired", "registry_cache_evictions_total", []string{"cause", "ttl"}},
	{"remains removed", "registry_cache_evictions_total", []string{"cause", "leak"}},
	{"bad content", "registry_cache_bad_content_total", nil},
	{"not stored", "registry_cache_not_stored_total", nil},
	{"upstream errors", "registry_cache_upstream_errors_total", nil},
}

// totals sums up counters that begin anew with each process.
type totals struct {
	lock   sync.Mutex
	starts map[string]float64            // of the process seen last, by upstream
	last   map[string]map[string]float64 // its values
	before map[string]map[string]float64 // those of the processes before
}

func newTotals() *totals {
	return &totals{starts: map[string]float64{}, last: map[string]map[string]float64{}, before: map[string]map[string]float64{}}
}

func (t *totals) add(upstream string, families livecluster.Families) {
	t.lock.Lock()
	defer t.lock.Unlock()
	start := families.Sum("process_start_time_seconds")
	if t.starts[upstream] != start {
		if t.before[upstream] == nil {
			t.before[upstream] = map[string]float64{}
		}
		for name, v := range t.last[upstream] {
			t.before[upstream][name] += v
		}
		t.starts[upstream] = start
	}
	t.last[upstream] = map[string]float64{"processes": 1}
	for _, c := range counters {
		t.last[upstream][c.name] = families.Sum(c.metric, c.labels...)
	}
}

func (t *totals) get(upstream, name string) float64 {
	t.lock.Lock()
	defer t.lock.Unlock()
	return t.last[upstream][name] + t.before[upstream][name]
}
