package store

import (
	"context"
	"sync"
	"time"
)

// probePath is written and removed to see whether a store that hung answers again.
const probePath = "/.registry-cache-probe"

// breaker knows whether the store hangs. It opens when an operation does not return in time, and closes when all that hung
// have returned, or when a probe, which no client waits for, shows that the others work.
type breaker struct {
	mu      sync.Mutex
	open    bool
	hanging int
	back    chan struct{} // closed when nothing hangs any more; nil while nothing does
}

func (b *breaker) isOpen() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// hang notes an operation that did not return in time, and says whether it was this that opened the breaker.
func (b *breaker) hang() (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hanging == 0 {
		b.back = make(chan struct{})
	}
	b.hanging++
	opened = !b.open
	b.open = true
	return opened
}

// returned notes that an operation returned after all.
func (b *breaker) returned() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hanging--
	if b.hanging == 0 {
		close(b.back)
	}
}

func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
}

func (b *breaker) waiting() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.back
}

// recover waits until the store answers again. One runs at a time, while the breaker is open.
func (d *Driver) recover() {
	defer d.metrics.Bypassed.Set(0)
	defer d.breaker.close()
	for {
		select {
		case <-d.closed:
			return
		case <-d.breaker.waiting():
			return
		case <-time.After(d.options.RetryAfter):
		}
		probe := make(chan struct{})
		d.background(func() {
			defer close(probe)
			// Whatever it says, it answers.
			_ = d.inner.PutContent(context.Background(), probePath, []byte("probe"))
			_ = d.inner.Delete(context.Background(), probePath)
		})
		select {
		case <-probe:
			return
		case <-time.After(d.options.OpTimeout):
		}
		select { // a probe that hangs is enough of one
		case <-d.closed:
			return
		case <-probe:
			return
		}
	}
}

// bounded runs an operation of the store for at most limit, or not at all while the store is bypassed (errBypassed). A
// result that comes later is given to late.
func bounded[T any](d *Driver, limit time.Duration, operation func() (T, error), late func(T, error)) (T, error) {
	var zero T
	if d.breaker.isOpen() {
		return zero, errBypassed
	}
	type result struct {
		value T
		err   error
	}
	results := make(chan result, 1)
	d.background(func() {
		value, err := operation()
		results <- result{value, unwrap(err)}
	})
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-results:
		return r.value, r.err
	case <-timer.C:
	}
	d.hung()
	d.background(func() {
		r := <-results
		d.breaker.returned()
		if late != nil {
			late(r.value, r.err)
		}
	})
	return zero, errHangs
}

// hung opens the breaker.
func (d *Driver) hung() {
	if !d.breaker.hang() {
		return
	}
	d.metrics.Bypassed.Set(1)
	d.complaints.Warn("the store does not answer; it is bypassed and tried again later", errHangs)
	d.background(d.recover)
}

// try is bounded for operations without a result. When the operation has ended, however late, or was not begun, done is
// called, once; it may be nil.
func try(d *Driver, limit time.Duration, operation func() error, done func(error)) error {
	if done == nil {
		done = func(error) {}
	}
	_, err := bounded(d, limit, func() (struct{}, error) {
		err := operation()
		done(unwrap(err))
		return struct{}{}, err
	}, nil)
	if err == errBypassed { //nolint:errorlint // only bounded returns it, as it is
		done(err)
	}
	return err
}

// background runs f in a goroutine that Close waits for.
func (d *Driver) background(f func()) {
	d.running.Add(1)
	go func() {
		defer d.running.Done()
		f()
	}()
}
