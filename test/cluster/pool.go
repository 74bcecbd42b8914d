package cluster

import (
	"context"
	"errors"
	"sync"
)

// Pool lends clusters to tests that run in parallel, each cluster to one test at a time. Clusters are started when they
// are first needed and used again.
type Pool struct {
	options Options
	idle    chan *Cluster // one slot per cluster; nil: not started yet

	lock    sync.Mutex
	started []*Cluster
}

// NewPool returns a pool of at most size clusters, none of which runs yet.
func NewPool(size int, options Options) *Pool {
	pool := &Pool{options: options, idle: make(chan *Cluster, size)}
	for range size {
		pool.idle <- nil
	}
	return pool
}

// Get waits for a cluster that nobody uses, or starts one. The function returned gives it back; a test that leaves something
// behind that would disturb the next one passes false and the cluster is stopped, to be replaced by a new one when needed.
func (p *Pool) Get(ctx context.Context) (*Cluster, func(clean bool) error, error) {
	var c *Cluster
	select {
	case c = <-p.idle:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	if c == nil {
		var err error
		if c, err = Start(ctx, p.options); err != nil {
			p.idle <- nil
			return nil, nil, err
		}
		p.lock.Lock()
		p.started = append(p.started, c)
		p.lock.Unlock()
	}
	return c, func(clean bool) error { return p.giveBack(c, clean) }, nil
}

func (p *Pool) giveBack(c *Cluster, clean bool) error {
	if clean {
		p.idle <- c
		return nil
	}
	p.idle <- nil
	return c.Stop()
}

// Stop stops all clusters of the pool.
func (p *Pool) Stop() error {
	p.lock.Lock()
	defer p.lock.Unlock()
	var failed []error
	for _, c := range p.started {
		failed = append(failed, c.Stop())
	}
	return errors.Join(failed...)
}
