//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// pulls pulls images on a node, one after the other and over again, until it is stopped.
type pulls struct {
	env    *env
	done   chan struct{}
	ended  sync.WaitGroup
	count  int
	failed []string
	// slowest is the longest that a pull took, and when that one began, since the first.
	slowest, slowestAt time.Duration
}

// startPulls begins to pull. Each pull has to fetch all that no other image on the node has.
func (e *env) startPulls(node *cluster.Node, images ...string) *pulls {
	p := &pulls{env: e, done: make(chan struct{})}
	p.ended.Go(func() {
		start := time.Now()
		for round := 0; ; round++ {
			select {
			case <-p.done:
				return
			case <-e.ctx.Done():
				return
			default:
				p.pull(node, images[round%len(images)], time.Since(start))
			}
		}
	})
	e.t.Cleanup(p.end)
	return p
}

func (p *pulls) pull(node *cluster.Node, image string, at time.Duration) {
	took, err := p.env.tryPull(image, node)
	p.count++
	if err != nil && p.env.ctx.Err() == nil {
		p.failed = append(p.failed, fmt.Sprintf("after %s: %v", at.Round(time.Millisecond), err))
	}
	if took > p.slowest {
		p.slowest, p.slowestAt = took, at
	}
}

// end stops pulling; more than once is the same as once.
func (p *pulls) end() {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	p.ended.Wait()
}

// expectNoneFailed stops pulling and fails unless every pull has succeeded, within a limit.
func (p *pulls) expectNoneFailed(during string, limit time.Duration) {
	t := p.env.t
	t.Helper()
	p.end()
	t.Logf("%d pulls during %s; the slowest took %s, %s after the first", p.count, during,
		p.slowest.Round(time.Millisecond), p.slowestAt.Round(time.Millisecond))
	for _, failure := range p.failed {
		t.Errorf("a pull failed during %s, %s", during, failure)
	}
	if p.count < 3 {
		t.Errorf("%d pulls during %s prove nothing", p.count, during)
	}
	if p.slowest > limit {
		t.Errorf("a pull took %s during %s, want at most %s", p.slowest, during, limit)
	}
}

// The longest that a pull may take while the pod of a cache is replaced. One that was killed, or is not ours, does not leave its
// Service before: for a moment its address leads nowhere.
const (
	// guardedPull is with a hosts.toml of the guard, whose dial_timeout is one second for each request.
	guardedPull = 10 * time.Second
	// unguardedPull is with one that does not say so: containerd waits 30 seconds for the first request, and then asks the upstream.
	unguardedPull = 40 * time.Second
)
