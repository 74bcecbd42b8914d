package store

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"
)

// leftovers are paths that could not be deleted.
type leftovers struct {
	mu       sync.Mutex
	paths    map[string]struct{}
	sweeping bool
}

// later keeps a path in mind, to be deleted when the store lets it.
func (d *Driver) later(p string) {
	d.leftovers.mu.Lock()
	defer d.leftovers.mu.Unlock()
	if d.leftovers.paths == nil {
		d.leftovers.paths = map[string]struct{}{}
	}
	d.leftovers.paths[p] = struct{}{}
	if !d.leftovers.sweeping {
		d.leftovers.sweeping = true
		d.background(d.sweep)
	}
}

// sweep tries again until nothing is left over.
func (d *Driver) sweep() {
	for {
		select {
		case <-d.closed:
			return
		case <-time.After(d.options.RetryAfter):
		}
		if d.Bypassed() {
			continue
		}
		for _, p := range d.leftovers.list() {
			if err := d.inner.Delete(context.Background(), p); err == nil || isNotFound(err) {
				d.leftovers.done(p)
			}
		}
		if d.leftovers.stop() {
			return
		}
	}
}

func (l *leftovers) list() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	paths := make([]string, 0, len(l.paths))
	for p := range l.paths {
		paths = append(paths, p)
	}
	return paths
}

func (l *leftovers) done(p string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.paths, p)
}

func (l *leftovers) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweeping = len(l.paths) > 0
	return !l.sweeping
}

// tidyUp removes what a failed write of a small file left: its temporary file, and the folder if it was made for it. It is
// called while nobody else writes below the folder, and errs on the side of leaving things to the keeper.
func (d *Driver) tidyUp(p string) {
	folder := path.Dir(p)
	names, err := d.inner.List(context.Background(), folder)
	if err != nil {
		return
	}
	left := len(names)
	for _, name := range names {
		base := path.Base(name)
		if !strings.HasPrefix(base, path.Base(p)+".") || !strings.HasSuffix(base, ".tmp") {
			continue
		}
		left--
		_ = d.inner.Delete(context.Background(), path.Join(folder, base))
	}
	if left == 0 {
		// At once or not at all: later on somebody may have stored it anew.
		_ = d.inner.Delete(context.Background(), folder)
	}
}
