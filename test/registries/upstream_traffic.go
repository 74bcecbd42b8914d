package registries

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Counts says how many requests of each kind an upstream got, HEAD and refused ones included.
type Counts struct {
	Manifests, Blobs, Tokens, Other int
}

// Sub returns the requests since an earlier count.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{
		Manifests: c.Manifests - earlier.Manifests,
		Blobs:     c.Blobs - earlier.Blobs,
		Tokens:    c.Tokens - earlier.Tokens,
		Other:     c.Other - earlier.Other,
	}
}

type counter struct {
	mu     sync.Mutex
	counts Counts
}

func (c *counter) get() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

func (c *counter) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		switch {
		case strings.Contains(r.URL.Path, "/manifests/"):
			c.counts.Manifests++
		case strings.Contains(r.URL.Path, "/blobs/"):
			c.counts.Blobs++
		case r.URL.Path == tokenPath:
			c.counts.Tokens++
		default:
			c.counts.Other++
		}
		c.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// pace makes an upstream on loopback as slow as one far away: each request waits for the latency, and all responses
// share one line of so many bytes per second.
type pace struct {
	latency        time.Duration
	bytesPerSecond int64

	mu   sync.Mutex
	free time.Time // when the line is free again
}

func (p *pace) slow(next http.Handler) http.Handler {
	if p.latency == 0 && p.bytesPerSecond == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := sleep(r.Context(), p.latency); err != nil {
			return
		}
		next.ServeHTTP(&pacedWriter{ResponseWriter: w, ctx: r.Context(), pace: p}, r)
	})
}

// take books the line for so many bytes and waits until they are through.
func (p *pace) take(ctx context.Context, bytes int) error {
	if p.bytesPerSecond == 0 {
		return nil
	}
	now := time.Now()
	p.mu.Lock()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(int64(bytes) * int64(time.Second) / p.bytesPerSecond))
	wait := p.free.Sub(now)
	p.mu.Unlock()
	return sleep(ctx, wait)
}

// pacedWriter hides the underlying ReadFrom, through which the bytes would pass unseen.
type pacedWriter struct {
	http.ResponseWriter
	ctx  context.Context
	pace *pace
}

// Write implements io.Writer.
func (w *pacedWriter) Write(b []byte) (int, error) {
	if err := w.pace.take(w.ctx, len(b)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
