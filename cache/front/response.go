package front

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// errEnough ends a run of the registry whose body nobody wants.
var errEnough = errors.New("the client has all it asked for")

// unknown is the length of a body whose response does not say.
const unknown = -1

// response is what a client gets, put together from one run of the registry or two.
type response struct {
	w        http.ResponseWriter
	head     bool
	complete chan struct{} // closed when the client has everything

	mu        sync.Mutex
	detached  bool  // the real writer must not be touched any more
	done      bool  // complete is closed
	committed bool  // the client has the header
	status    int   // of the committed header
	length    int64 // of the body that the header promised
	sent      int64 // of the body
	start     int64 // of the body in the whole blob
	current   *run
}

// run is the http.ResponseWriter of one run of the registry.
type run struct {
	response *response
	header   http.Header
	status   int
	length   int64
	skip     int64       // how much of the body the client has, or does not want
	held     bool        // the header has been written by the registry and not yet been given to the client
	drop     bool        // nothing of the body is wanted
	mendable func() bool // says whether another run may do better
}

func newResponse(w http.ResponseWriter, head bool) *response {
	return &response{w: w, head: head, complete: make(chan struct{}), length: unknown}
}

// begin starts a run of the registry. An error that it answers while mendable is true is not for the client.
func (r *response) begin(mendable func() bool) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	header := http.Header{}
	maps.Copy(header, r.w.Header())
	r.current = &run{response: r, header: header, length: unknown, mendable: mendable}
	if r.committed {
		r.current.skip = r.start + r.sent
	}
	return r.current
}

// broken says whether the run that has ended left the client with less than it should get.
func (r *response) broken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done {
		return false
	}
	if !r.committed {
		return r.current.status >= http.StatusInternalServerError || r.current.length > 0 && !r.head
	}
	return r.length != unknown && r.sent < r.length
}

// resume says whether another run can go on where the last one ended.
func (r *response) resume() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.committed || r.status == http.StatusOK {
		return true
	}
	start, ok := rangeStart(r.w.Header().Get("Content-Range"))
	r.start = start
	return ok && r.status == http.StatusPartialContent
}

// finish ends the last run.
func (r *response) finish(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		return // the connection is broken off
	}
	if !r.detached && !r.committed {
		r.current.writeHeader(http.StatusOK)
		r.current.commit()
	}
	r.end()
}

func (r *response) end() {
	if !r.done {
		r.done = true
		close(r.complete)
	}
}

func (r *response) isComplete() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// detach keeps the runs from the real writer, which must not be used when its handler has returned.
func (r *response) detach() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.detached = true
}

// Header implements http.ResponseWriter.
func (c *run) Header() http.Header { return c.header }

// WriteHeader implements http.ResponseWriter. The header is held until the first byte of the body is there, because what
// the store promises it may not keep.
func (c *run) WriteHeader(status int) {
	c.response.mu.Lock()
	defer c.response.mu.Unlock()
	if c.held {
		// The registry reports an error after it has begun the body. Its text is no part of a blob.
		c.drop = true
		return
	}
	c.writeHeader(status)
}

func (c *run) writeHeader(status int) {
	if c.held {
		return
	}
	c.held, c.status = true, status
	if length, err := strconv.ParseInt(c.header.Get("Content-Length"), 10, 64); err == nil {
		c.length = length
	}
	// A second run whose body is not the one of the first has nothing for the client any more.
	if r := c.response; r.committed && (status != http.StatusOK || !r.fits(c.length)) {
		c.drop = true
	}
}

// fits says whether a whole blob of this length is what the client began to get.
func (r *response) fits(length int64) bool {
	if r.status == http.StatusOK {
		return length == r.length
	}
	return length >= r.start+r.length
}

// Write implements io.Writer.
func (c *run) Write(p []byte) (int, error) {
	r := c.response
	r.mu.Lock()
	defer r.mu.Unlock()
	c.writeHeader(http.StatusOK)
	if c.drop {
		return 0, errEnough
	}
	if r.done || r.detached { // what the registry says after the body, about storing it, is not for the client
		return len(p), nil
	}
	if !r.committed {
		if c.status >= http.StatusInternalServerError && c.mendable() {
			return len(p), nil
		}
		c.commit()
	}
	if r.head {
		r.end()
		c.drop = true // a blob is not fetched to be thrown away
		return 0, errEnough
	}
	return c.forward(p)
}

// Flush implements http.Flusher, as little as it is needed.
func (c *run) Flush() {}

// commit gives the header to the client.
func (c *run) commit() {
	r := c.response
	r.committed, r.status, r.length = true, c.status, c.length
	header := r.w.Header()
	clear(header)
	maps.Copy(header, c.header)
	r.w.WriteHeader(c.status)
	if r.length == 0 {
		r.end()
	}
}

// forward gives the client what of p it does not have.
func (c *run) forward(p []byte) (int, error) {
	r, rest := c.response, p
	if skipped := min(c.skip, int64(len(rest))); skipped > 0 {
		c.skip -= skipped
		rest = rest[skipped:]
	}
	if r.length != unknown {
		rest = rest[:min(int64(len(rest)), r.length-r.sent)]
	}
	if len(rest) > 0 {
		n, err := r.w.Write(rest)
		r.sent += int64(n)
		if err != nil {
			return 0, err
		}
	}
	if r.length != unknown && r.sent == r.length {
		if flusher, ok := r.w.(http.Flusher); ok {
			flusher.Flush()
		}
		r.end()
	}
	return len(p), nil
}

// rangeStart reads where the body of a partial response begins.
func rangeStart(contentRange string) (int64, bool) {
	rest, ok := strings.CutPrefix(contentRange, "bytes ")
	if !ok {
		return 0, false
	}
	first, _, ok := strings.Cut(rest, "-")
	if !ok {
		return 0, false
	}
	start, err := strconv.ParseInt(first, 10, 64)
	return start, err == nil
}
