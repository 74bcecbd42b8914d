package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What is cached waits for an upstream that swallows packets, because distribution asks the upstream for every tag first. Go's
// defaults are 30 s for a connection, one after the other, and a quarter of an hour for a request on one that is there already.
const (
	// connectTries is how often a connection is tried again that nobody answers: after 1 and 3 s, until 7 s have gone by.
	connectTries = 2
	// dialTimeout is how long that may take with the look-up of the name, whose first packet may be lost (5 s).
	dialTimeout = 12 * time.Second
	// silence is how long the upstream may not acknowledge what it was sent.
	silence = 15 * time.Second
	// idle is how long it may say nothing before it is asked whether it is still there. A download outlives an interruption of
	// the network of that length.
	idle = 30 * time.Second
	// unreachableFor is how long an upstream that was not reached in these times is not tried again.
	unreachableFor = 10 * time.Second
)

// newDialer returns what connects to the upstream.
func newDialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: idle, Interval: silence},
		Control: func(_, _ string, connection syscall.RawConn) error {
			var set error
			err := connection.Control(func(fd uintptr) {
				set = errors.Join(
					unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_SYNCNT, connectTries),
					unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds())),
				)
			})
			return errors.Join(err, set)
		},
	}
}

// reach remembers which hosts swallow packets, so that not every request waits for that. One that refuses connections does so at
// once and needs no remembering.
type reach struct {
	mu    sync.Mutex
	hosts map[string]contact
}

// contact is when a host answered last, and until when it is not to be tried.
type contact struct{ answered, until time.Time }

// check returns an error for a host that is not to be tried yet.
func (r *reach) check(request *http.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := time.Until(r.hosts[request.URL.Host].until); left > 0 {
		return fmt.Errorf("%s could not be reached: it is tried again in %s", request.URL.Host, left.Round(time.Second))
	}
	return nil
}

// note keeps what became of a request. One that failed says nothing of a host that has answered another one meanwhile.
func (r *reach) note(request *http.Request, began time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	host, now := request.URL.Host, time.Now()
	if r.hosts == nil {
		r.hosts = map[string]contact{}
	}
	var failed net.Error
	switch {
	case err == nil:
		r.hosts[host] = contact{answered: now}
	case errors.As(err, &failed) && failed.Timeout() && request.Context().Err() == nil && !r.hosts[host].answered.After(began):
		r.hosts[host] = contact{until: now.Add(unreachableFor)}
	}
}

// suspectIdle returns a context for one request. When net/http sends it once more, on another connection that was idle as well, the
// idle ones are closed: the first was dead, the others are likely to be, and each would be waited for.
func suspectIdle(ctx context.Context, closeIdle func()) context.Context {
	reused := 0
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if info.Reused {
			reused++
		}
		if reused == 2 {
			closeIdle()
		}
	}})
}
