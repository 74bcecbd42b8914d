package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// countCached images are pulled while the upstream is off.
	countCached = 5
	// off is how long it is.
	off = 8 * time.Second
	// largestCached leaves room for all of them, beside what comes and goes.
	largestCached = volumeMiB * mib / 4 / countCached
)

// stopUpstream switches an upstream off for some seconds, in which what its cache has is pulled and nothing else.
func (s *soak) stopUpstream(ctx context.Context, _ int, random *rand.Rand) error {
	u := s.upstream([]string{docker, steady}[random.IntN(2)])
	u.change.Lock()
	defer u.change.Unlock()
	if u.name == docker && s.current().ttl == time.Minute {
		return nil // what it has goes while it is pulled
	}
	if err := s.awaitUse(ctx, u.name, true); err != nil {
		return err
	}
	node := s.nodes[random.IntN(len(s.nodes))]
	switched, err := s.switchOff(ctx, u, node, u.small(random))
	if err != nil || !switched {
		return err
	}
	pause(ctx, off)
	return s.switchOn(u)
}

// small returns images for which the cache has room beside what comes and goes.
func (u *upstream) small(random *rand.Rand) (found []*image) {
	for _, i := range random.Perm(len(u.images)) {
		if len(found) < countCached && u.images[i].bytes <= largestCached {
			found = append(found, u.images[i])
		}
	}
	return found
}

// switchOff switches an upstream off once its cache has some images, which alone are pulled from now on. Nothing else is pulled
// from there meanwhile: it could evict them.
func (s *soak) switchOff(ctx context.Context, u *upstream, node *machine, images []*image) (switched bool, err error) {
	node.up.RLock()
	defer node.up.RUnlock()
	u.on.Lock()
	defer u.on.Unlock()
	var missing int
	for range 10 {
		if missing, err = s.pullAll(ctx, u, node, images); err != nil {
			return false, err
		}
		if missing == 0 {
			u.off = s.journal.begin(upstreamOff, u.name, "")
			u.registry.Stop()
			u.allowed = images
			return true, nil
		}
		pause(ctx, time.Second) // it may still be writing
	}
	s.fault("the cache of %s does not have %d of %d images that were pulled again and again", u.name, missing, len(images))
	return false, nil
}

// pullAll pulls images, and returns for how many of them the upstream was asked for content.
func (s *soak) pullAll(ctx context.Context, u *upstream, node *machine, images []*image) (missing int, err error) {
	for _, i := range images {
		before := u.contentOf(i.repository)
		if err := s.pullOnce(ctx, u, node, i); err != nil {
			return 0, err
		}
		missing += count(u.contentOf(i.repository) != before)
	}
	return missing, nil
}

// switchOn lets everything be pulled from an upstream again.
func (s *soak) switchOn(u *upstream) error {
	u.on.Lock()
	defer u.on.Unlock()
	u.allowed = u.images
	u.off()
	if err := u.registry.Start(); err != nil {
		return fmt.Errorf("starting %s again: %w", u.name, err)
	}
	return nil
}
