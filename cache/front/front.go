// Package front stands between clients and distribution's registry and sees to it that a client gets what the upstream has,
// whatever happens to the store: a response that the store broke off is gone on with from the upstream, at the byte where it
// ended, and a client that has all bytes does not wait until they are stored.
package front

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"sync"

	"github.com/sirupsen/logrus"

	"github.com/registry-cache/registry-cache/cache/store"
	"github.com/registry-cache/registry-cache/cache/upstream"
)

// Handler runs a registry whose storage driver is a store.Driver.
type Handler struct {
	next    http.Handler
	running sync.WaitGroup
}

// New returns a handler in front of a registry.
func New(next http.Handler) *Handler { return &Handler{next: next} }

// Wait waits until everything is stored that clients have got already, or until ctx ends. No request may come any more.
func (h *Handler) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for what is being stored: %w", ctx.Err())
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.next.ServeHTTP(w, r)
		return
	}
	out := newResponse(w, r.Method == http.MethodHead)
	// The registry may go on storing when the client has everything and this handler has returned.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(r.Context(), func() {
		if !out.isComplete() {
			cancel()
		}
	})
	ended := make(chan error, 1)
	h.running.Add(1)
	go func() {
		defer h.running.Done()
		defer cancel()
		ended <- h.serve(ctx, out, r)
	}()
	defer stop()
	select {
	case <-out.complete:
	case err := <-ended:
		if err != nil && !out.isComplete() {
			panic(http.ErrAbortHandler) // said already
		}
	}
	out.detach()
}

// serve runs the registry, and again without its store when the store has failed it.
func (h *Handler) serve(ctx context.Context, out *response, r *http.Request) error {
	trouble, err := h.run(ctx, out, r, false)
	if err == nil && trouble != nil && out.broken() && out.resume() {
		again := r.Clone(ctx)
		again.Header.Del("Range") // what comes from the upstream always comes whole, and resume knows what of it is wanted
		_, err = h.run(ctx, out, again, true)
	}
	out.finish(err)
	return err
}

// errPanic is what a panic of the registry becomes.
var errPanic = errors.New("the registry panicked")

func (h *Handler) run(ctx context.Context, out *response, r *http.Request, bypass bool) (trouble, err error) {
	ctx, request := store.WithRequest(ctx, bypass)
	if path.Base(path.Dir(r.URL.Path)) == "blobs" {
		var end func()
		ctx, end = upstream.WithFetch(ctx)
		defer end()
	}
	defer func() {
		trouble = request.Trouble()
		if p := recover(); p != nil { // in a goroutine of ours it would end the program
			logrus.Errorf("serving %s %s: %v", r.Method, r.URL.Path, p)
			err = errPanic
		}
	}()
	h.next.ServeHTTP(out.begin(func() bool { return !bypass && request.Trouble() != nil }), r.WithContext(ctx))
	return nil, nil
}
