package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
)

const (
	mib             = 1 << 20
	acceptManifests = "application/vnd.oci.image.manifest.v1+json"
)

// work is so many requests for blobs of one size, by so many clients.
type work struct {
	clients, requests int
	size              int64
}

// sizes says how much a run does.
type sizes struct {
	rounds    int
	blobs     []work
	manifests int
}

const many = 50

var (
	full = sizes{rounds: 7, manifests: 1000, blobs: []work{
		{1, 200, mib}, {many, 400, mib}, {1, 4, 64 * mib}, {many, 50, 16 * mib},
	}}
	short = sizes{rounds: 1, manifests: 50, blobs: []work{
		{1, 10, mib}, {many, 50, mib}, {1, 2, 8 * mib}, {many, 50, 2 * mib},
	}}
)

// phase is one thing that is measured of both programs in turn.
type phase struct {
	name    string
	clients int
	paths   []string // one for each request
	bytes   int64    // each request must get
	content []digest.Digest
	hit     bool // what it gets is in the store before it begins
	latency bool // it is not the throughput that counts
}

// phases makes the phases of one round. No cache has any of their content.
func phases(u *upstream, s sizes) ([]phase, error) {
	var list []phase
	for _, w := range s.blobs {
		blobs, err := u.newBlobs(w.requests, w.size)
		if err != nil {
			return nil, err
		}
		miss := phase{clients: w.clients, bytes: w.size}
		for _, b := range blobs {
			miss.paths = append(miss.paths, repository+"/blobs/"+b.digest.String())
			miss.content = append(miss.content, b.digest)
		}
		name := fmt.Sprintf("%d MiB, clients: %d", w.size/mib, w.clients)
		hit := miss
		miss.name, hit.name, hit.hit = "miss "+name, "hit "+name, true
		list = append(list, miss, hit)
	}
	return append(list, manifestPhases(u, s)...), nil
}

func manifestPhases(u *upstream, s sizes) []phase {
	var list []phase
	for _, by := range []struct{ name, reference string }{{"digest", u.digest.String()}, {"tag", tag}} {
		path := repository + "/manifests/" + by.reference
		list = append(list, phase{
			name: "manifest by " + by.name, clients: 1, paths: slices.Repeat([]string{path}, s.manifests), bytes: int64(len(u.manifest)),
			content: []digest.Digest{u.digest}, hit: true, latency: true,
		})
	}
	return list
}

// result is what one program did in one phase.
type result struct {
	elapsed   time.Duration
	cpu       time.Duration
	bytes     int64
	latencies []time.Duration
	stored    float64 // the part of the phase's content that is in the store when it is over
}

// measure runs a phase against a program. The processor time includes what the program does behind its clients' backs; the
// elapsed time does not.
func measure(ctx context.Context, p *program, ph phase) (result, error) {
	if ph.hit {
		if err := fill(ctx, p, ph); err != nil {
			return result{}, err
		}
	}
	before, err := p.cpu()
	if err != nil {
		return result{}, err
	}
	begin := time.Now()
	r := result{bytes: int64(len(ph.paths)) * ph.bytes}
	if r.latencies, err = load(ctx, p, ph); err != nil {
		return result{}, err
	}
	r.elapsed = time.Since(begin)
	if err := p.settle(ctx, ph.content); err != nil {
		return result{}, err
	}
	after, err := p.cpu()
	r.cpu = after - before
	r.stored = 1 - float64(len(p.missing(ph.content)))/float64(len(ph.content))
	return r, err
}

// fillAttempts is how often something is fetched that a cache did not store, because the disk was slower than its clients.
const fillAttempts = 5

// fill fetches what is not in the store yet, one after the other.
func fill(ctx context.Context, p *program, ph phase) error {
	for range fillAttempts {
		missing := p.missing(ph.content)
		if len(missing) == 0 {
			return nil
		}
		for i, dgst := range ph.content {
			if !slices.Contains(missing, dgst) {
				continue
			}
			if _, err := p.get(ctx, ph.paths[i], nil); err != nil {
				return err
			}
			if err := p.settle(ctx, []digest.Digest{dgst}); err != nil {
				return err
			}
		}
	}
	if missing := p.missing(ph.content); len(missing) > 0 {
		return fmt.Errorf("%s does not store %s", p.name, missing)
	}
	return nil
}

// load makes the requests, as many at a time as there are clients, and returns how long each took.
func load(ctx context.Context, p *program, ph phase) ([]time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	latencies := make([]time.Duration, len(ph.paths))
	var next atomic.Int64
	var clients sync.WaitGroup
	for range ph.clients {
		clients.Go(func() {
			buffer := make([]byte, 256<<10)
			for i := next.Add(1) - 1; i < int64(len(ph.paths)); i = next.Add(1) - 1 {
				begin := time.Now()
				n, err := p.get(ctx, ph.paths[i], buffer)
				if err == nil && n != ph.bytes {
					err = fmt.Errorf("%s gave %d bytes of %d", p.name, n, ph.bytes)
				}
				if err != nil {
					cancel(err)
					return
				}
				latencies[i] = time.Since(begin)
			}
		})
	}
	clients.Wait()
	return latencies, context.Cause(ctx)
}
