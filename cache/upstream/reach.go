package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What is cached waits for an upstream that swallows packets, because distribution asks the upstream for every tag first. Go's
// defaults are 30 s for a connection, one after the other, and a quarter of an hour for a request on one that is there already.
const (
	// dialTimeout is how long a connection to the upstream may take to come about.
	dialTimeout = 5 * time.Second
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
				set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
			})
			return errors.Join(err, set)
		},
	}
}

// reach remembers which hosts swallow packets, so that not every request waits for that. One that refuses connections does so at
// once and needs no remembering.
type reach struct {
	mu    sync.Mutex
	until map[string]time.Time // by host
}

// check returns an error for a host that is not to be tried yet.
func (r *reach) check(request *http.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	host := request.URL.Host
	until, ok := r.until[host]
	if !ok {
		return nil
	}
	if left := time.Until(until); left > 0 {
		return fmt.Errorf("%s could not be reached: it is tried again in %s", host, left.Round(time.Second))
	}
	delete(r.until, host)
	return nil
}

// note keeps what became of a request.
func (r *reach) note(request *http.Request, err error) {
	var failed net.Error
	if !errors.As(err, &failed) || !failed.Timeout() || request.Context().Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[string]time.Time{}
	}
	r.until[request.URL.Host] = time.Now().Add(unreachableFor)
}
