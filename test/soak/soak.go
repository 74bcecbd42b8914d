package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
)

const (
	countNodes = 2
	// pullersPerNode pull at the same time, beside the pods.
	pullersPerNode = 2
)

// soak is one run.
type soak struct {
	options
	cluster   *livecluster.Cluster
	nodes     []*machine
	upstreams []*upstream
	journal   *journal
	pulls     *pulls
	samples   *samples
	totals    *totals

	lock   sync.Mutex
	config config
	faults []string // what was violated
}

// machine is a node.
type machine struct {
	*cluster.Node
	// up is held for reading by whoever needs containerd, and for writing while it is off: a pull that it breaks off tells
	// nothing of a cache.
	up sync.RWMutex
}

// start starts the cluster with its upstreams and volumes.
func start(ctx context.Context, o options) (*soak, error) {
	fmt.Printf("starting a cluster of %d nodes\n", countNodes)
	live, err := livecluster.Start(ctx, o.root, countNodes)
	if err != nil {
		return nil, err
	}
	s := &soak{options: o, cluster: live, journal: &journal{}, pulls: &pulls{}, samples: &samples{}, totals: newTotals(), config: newConfig()}
	for _, node := range live.Nodes() {
		s.nodes = append(s.nodes, &machine{Node: node})
	}
	if err := errors.Join(s.startUpstreams(ctx), s.makeVolumes(ctx)); err != nil {
		return nil, errors.Join(err, live.Stop())
	}
	return s, nil
}

// live pulls and disturbs for as long as it is to take. What has been begun is finished.
func (s *soak) live(ctx context.Context) error {
	fmt.Printf("pulling for %s\n", s.duration)
	group, work := errgroup.WithContext(ctx)
	until, cancel := context.WithTimeout(work, s.duration)
	defer cancel()
	for number, node := range s.nodes {
		for i := range pullersPerNode {
			random := s.random(uint64(10*number + i))
			group.Go(func() error { return s.pullImages(until, work, node, random) })
		}
		random := s.random(uint64(10*number + 9))
		group.Go(func() error { return s.churnPods(until, work, node, random) })
	}
	for i, d := range s.disturbances() {
		random := s.random(uint64(100 + i))
		group.Go(func() error { return d.repeat(until, work, random) })
	}
	group.Go(func() error { return s.sample(until, work) })
	group.Go(func() error { return s.tell(until) })
	return group.Wait()
}

// random returns numbers that are the same in each run with the same seed.
func (s *soak) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(s.seed, stream)) } //nolint:gosec // no secret

// fault notes a violation.
func (s *soak) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Println("VIOLATED:", text)
	s.lock.Lock()
	defer s.lock.Unlock()
	s.faults = append(s.faults, text)
}

// tell prints a line now and then.
func (s *soak) tell(until context.Context) error {
	begin := time.Now()
	for pause(until, max(s.duration/12, 20*time.Second)) {
		count, failed := s.pulls.count()
		fmt.Printf("%5s: %d pulls, %d failed, %d disturbances\n", time.Since(begin).Round(time.Second), count, failed, s.journal.count())
	}
	return nil
}

// pause waits, and tells whether the context still runs.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return ctx.Err() == nil
	}
}

// await waits until a condition holds and returns the last error when a limit is over.
func await(ctx context.Context, limit time.Duration, what string, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("%s: not within %s: %w", what, limit, err)
		}
	}
}
