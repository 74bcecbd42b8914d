package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// pull is one image that got to a node, or did not.
type pull struct {
	at                     time.Time
	took                   time.Duration // of a pod until it runs
	upstream, image, node  string
	pod, interrupted, slow bool
	err                    error
}

// pulls has all of them.
type pulls struct {
	lock sync.Mutex
	list []pull
}

func (p *pulls) add(one pull) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.list = append(p.list, one)
}

func (p *pulls) all() []pull {
	p.lock.Lock()
	defer p.lock.Unlock()
	return append([]pull{}, p.list...)
}

func (p *pulls) count() (count, failed int) {
	for _, one := range p.all() {
		count++
		if one.err != nil {
			failed++
		}
	}
	return count, failed
}

const (
	// slow is what no pull should take, by far, on a busy machine.
	slow             = 10 * time.Second
	containerdSocket = "/run/containerd/containerd.sock"
	cripull          = "/opt/node/cripull"
	// pullLimit is above what a pull takes that has to wait for dead addresses.
	pullLimit = 4 * time.Minute
	pullPause = 300 * time.Millisecond
)

// pullImages pulls one image after the other on a node as kubelet does, and removes it, until the one context ends. What has begun
// is bounded by the other.
func (s *soak) pullImages(until, ctx context.Context, node *machine, random *rand.Rand) error {
	for pause(until, time.Duration(random.Int64N(int64(2*pullPause)))) {
		u := s.upstreams[random.IntN(len(s.upstreams))]
		err := s.with(u, node, random, func(i *image) error { return s.pullOnce(ctx, u, node, i) })
		if err != nil {
			return err
		}
	}
	return nil
}

// fill pulls each image once, so that the caches have been at work before anything is measured.
func (s *soak) fill(ctx context.Context) error {
	start := time.Now()
	group, work := errgroup.WithContext(ctx)
	for number, node := range s.nodes {
		group.Go(func() error {
			for _, u := range s.upstreams {
				for i := number; i < len(u.images); i += len(s.nodes) {
					if err := s.pullOnce(work, u, node, u.images[i]); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	err := group.Wait()
	fmt.Printf("each image pulled once after %s\n", time.Since(start).Round(time.Second))
	return err
}

// with calls f with an image that may be pulled on a node, if there is one.
func (s *soak) with(u *upstream, node *machine, random *rand.Rand, f func(*image) error) error {
	node.up.RLock()
	defer node.up.RUnlock()
	u.on.RLock()
	defer u.on.RUnlock()
	i := u.take(node.Name, random)
	if i == nil {
		return nil
	}
	defer u.give(node.Name, i)
	return f(i)
}

// pullOnce pulls an image, notes that, and removes it.
func (s *soak) pullOnce(ctx context.Context, u *upstream, node *machine, i *image) error {
	limited, cancel := context.WithTimeout(ctx, pullLimit)
	defer cancel()
	p := pull{at: time.Now(), upstream: u.name, image: i.reference, node: node.Name}
	var output string
	if output, p.err = node.Run(limited, cripull, containerdSocket, "pull", i.reference); p.err == nil {
		p.took, p.err = time.ParseDuration(strings.TrimSpace(output) + "s")
	} else {
		p.took = time.Since(p.at)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.note(p)
	if _, err := node.Run(limited, cripull, containerdSocket, "remove", i.reference); err != nil && ctx.Err() == nil {
		return fmt.Errorf("removing an image: %w", err)
	}
	return ctx.Err()
}

// note notes a pull, and says at once what was wrong with it.
func (s *soak) note(p pull) {
	around := func() string { return describe(s.journal.during(p.at, p.at.Add(p.took), p.upstream, p.node), p.at) }
	if p.err != nil {
		s.fault("pulling %s on %s failed after %s (%s): %v", p.image, p.node, p.took.Round(time.Millisecond), around(), p.err)
	}
	p.slow = p.took > slow
	if p.slow {
		fmt.Printf("slow: %s on %s took %s, pod %t: %s\n", p.image, p.node, p.took.Round(time.Millisecond), p.pod, around())
		if s.journal.kind(p) == undisturbed {
			s.fault("pulling %s on %s took %s although nothing happened", p.image, p.node, p.took.Round(time.Millisecond))
		}
	}
	s.pulls.add(p)
}
