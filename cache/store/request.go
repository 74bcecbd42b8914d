package store

import (
	"context"
	"sync"

	"github.com/opencontainers/go-digest"
)

// Request is what the driver and the handler in front of the registry know together of one request. It travels in the
// request's context, which distribution hands down to its storage driver.
type Request struct {
	mu       sync.Mutex
	bypass   bool
	trouble  error
	counted  bool
	seen     map[string]struct{}           // paths that were there
	links    map[digest.Digest][]string    // links that were read, by what they point to
	postpone map[digest.Digest][]postponed // links to a blob that is not in the store yet
}

type postponed struct {
	link    Location
	content []byte
}

type requestKey struct{}

// WithRequest returns a context in which the driver finds the request. With bypass it answers that nothing is in the store,
// so that everything comes from the upstream; it stores what comes as usual.
func WithRequest(ctx context.Context, bypass bool) (context.Context, *Request) {
	request := newRequest(bypass)
	return context.WithValue(ctx, requestKey{}, request), request
}

func newRequest(bypass bool) *Request {
	return &Request{
		bypass:   bypass,
		seen:     map[string]struct{}{},
		links:    map[digest.Digest][]string{},
		postpone: map[digest.Digest][]postponed{},
	}
}

// requestOf returns the request of a context, or one that nobody looks at.
func requestOf(ctx context.Context) *Request {
	if request, ok := ctx.Value(requestKey{}).(*Request); ok {
		return request
	}
	return newRequest(false)
}

// Trouble returns why something that was in the store could not be read, or nil.
func (r *Request) Trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble
}

func (r *Request) setTrouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble == nil {
		r.trouble = err
	}
}

// found notes that something was there.
func (r *Request) found(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[path] = struct{}{}
}

// missed notes that something was not there. If it was a moment ago, distribution relies on it and fails: it looks a blob
// up several times before it serves it.
func (r *Request) missed(path string) {
	r.mu.Lock()
	_, seen := r.seen[path]
	r.mu.Unlock()
	if seen {
		r.setTrouble(errGone)
	}
}

// first says whether this is the first time that something of this request could not be stored: a pull is counted once.
func (r *Request) first() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !r.counted
	r.counted = true
	return first
}

func (r *Request) sawLink(target digest.Digest, path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links[target] = append(r.links[target], path)
}

func (r *Request) linksTo(target digest.Digest) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.links[target]...)
}

// later keeps a link until its blob is stored. distribution writes a tag before it has fetched the manifest.
func (r *Request) later(link Location, content []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.postpone[link.Digest] = append(r.postpone[link.Digest], postponed{link: link, content: content})
}

func (r *Request) takePostponed(target digest.Digest) []postponed {
	r.mu.Lock()
	defer r.mu.Unlock()
	links := r.postpone[target]
	delete(r.postpone, target)
	return links
}
