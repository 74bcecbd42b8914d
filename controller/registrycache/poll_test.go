package registrycache

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestPoll: a wait that takes too long is no error. An API server that takes too long to answer is one, although it
// looks the same: objects that were not waited for would stay in the shoot.
func TestPoll(t *testing.T) {
	timedOut := fmt.Errorf("listing the nodes: %w", context.DeadlineExceeded)
	for name, c := range map[string]struct {
		ctx  time.Duration
		look func(ctx context.Context, look int) (bool, error)
		err  error
		took time.Duration
	}{
		"at once":             {look: func(context.Context, int) (bool, error) { return true, nil }},
		"at the third look":   {look: func(_ context.Context, n int) (bool, error) { return n == 3, nil }, took: 2 * time.Second},
		"too late":            {look: func(context.Context, int) (bool, error) { return false, nil }, took: 10 * time.Second},
		"one look, too long":  {look: func(context.Context, int) (bool, error) { time.Sleep(time.Minute); return false, nil }, took: time.Minute},
		"one look, just done": {look: answerSlowly, took: time.Minute},
		"a time-out":          {look: func(context.Context, int) (bool, error) { return false, timedOut }, err: timedOut},
		"the operation ends":  {ctx: 5 * time.Second, look: func(context.Context, int) (bool, error) { return false, nil }, err: context.DeadlineExceeded, took: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.ctx > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.ctx)
					defer cancel()
				}
				start, looks := time.Now(), 0
				err := poll(ctx, time.Second, 10*time.Second, func(ctx context.Context) (bool, error) {
					looks++
					return c.look(ctx, looks)
				})
				if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				if took := time.Since(start); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// answerSlowly is a look at an API server that takes a minute.
func answerSlowly(ctx context.Context, _ int) (bool, error) {
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(time.Minute):
		return true, nil
	}
}
