package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/registry-cache/registry-cache/cache/upstream"
)

// network is one whose connections to a host fail.
type network struct {
	err   error
	asked map[string]int
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(request *http.Request) (*http.Response, error) {
	n.asked[request.URL.Host]++
	if request.URL.Host == "silent.test" && n.err != nil {
		return nil, n.err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

// TestUnreachable tries a host that swallows packets again after a while, and not with every request.
func TestUnreachable(t *testing.T) {
	failure := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	for name, c := range map[string]struct {
		err  error
		wait time.Duration
		want int
	}{
		"no connection in time":               {failure("dial", os.ErrDeadlineExceeded), 9 * time.Second, 1},
		"no connection in time, and later":    {failure("dial", os.ErrDeadlineExceeded), 11 * time.Second, 2},
		"what was sent is never acknowledged": {failure("read", os.NewSyscallError("read", syscall.ETIMEDOUT)), 9 * time.Second, 1},
		"connections are refused":             {failure("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED)), 0, 2},
		"a connection breaks":                 {io.ErrUnexpectedEOF, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{err: c.err, asked: map[string]int{}}
				client := &http.Client{Transport: upstream.New(n, prometheus.NewRegistry())}
				get := func(host string) error {
					request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+blobPath, http.NoBody)
					if err != nil {
						return err
					}
					response, err := client.Do(request)
					if err == nil {
						err = response.Body.Close()
					}
					return err
				}
				if err := get("silent.test"); !errors.Is(err, c.err) {
					t.Errorf("the first request fails for %v, want %v", err, c.err)
				}
				if err := get("other.test"); err != nil {
					t.Errorf("another host: %v", err)
				}
				time.Sleep(c.wait)
				if err := get("silent.test"); err == nil {
					t.Error("a request to a silent host succeeded")
				}
				if n.asked["silent.test"] != c.want {
					t.Errorf("it was tried %d times, want %d", n.asked["silent.test"], c.want)
				}
				n.err = nil
				time.Sleep(11 * time.Second)
				if err := get("silent.test"); err != nil {
					t.Errorf("when it answers again: %v", err)
				}
			})
		})
	}
}

// TestAnsweredMeanwhile does not give up a host for one connection that was lost, if another one works.
func TestAnsweredMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &twoWays{lost: make(chan struct{})}
		client := &http.Client{Transport: upstream.New(n, prometheus.NewRegistry())}
		get := func(path string) error {
			response, err := client.Get("http://registry.test" + path)
			if err == nil {
				err = response.Body.Close()
			}
			return err
		}
		failed := make(chan error)
		go func() { failed <- get("/lost") }()
		synctest.Wait()
		time.Sleep(time.Second)
		if err := get("/found"); err != nil {
			t.Error(err)
		}
		close(n.lost)
		if err := <-failed; err == nil {
			t.Error("what was lost has arrived")
		}
		if err := get("/found"); err != nil {
			t.Error(err)
		}
	})
}

// twoWays is a network of which one way loses packets.
type twoWays struct{ lost chan struct{} }

// RoundTrip implements http.RoundTripper.
func (n *twoWays) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Path == "/lost" {
		<-n.lost
		return nil, errLost
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: request}, nil
}

var errLost = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}

// TestImpatientClient says nothing of the host: a client that does not wait for long is no reason not to ask for the next one.
func TestImpatientClient(t *testing.T) {
	s := startServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client := newClient(t)
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+blobPath, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
			t.Error("the upstream has answered")
		}
		cancel()
	}
	s.expectAsked(t, "GET "+blobPath, "GET "+blobPath)
}

// TestDeadConnections waits for two connections that were left from before, and not for each.
func TestDeadConnections(t *testing.T) {
	const connections = 8
	var arrived sync.WaitGroup
	arrived.Add(connections)
	s := startServer(t, func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	})
	var dead, tried atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: connections, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &mortal{connection, &dead, &tried, dead.Load()}, err
	}}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: upstream.New(hidden{transport}, prometheus.NewRegistry())}
	var pulls errgroup.Group
	for range connections {
		pulls.Go(func() error {
			response, err := client.Get(s.URL + blobPath)
			if err != nil {
				return err
			}
			return response.Body.Close()
		})
	}
	if err := pulls.Wait(); err != nil {
		t.Fatal(err)
	}
	dead.Add(1)
	arrived.Add(1)
	response, err := client.Get(s.URL + blobPath)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if tried.Load() != 2 {
		t.Errorf("%d dead connections were tried, want 2", tried.Load())
	}
}

// mortal is a connection that does not answer any more what is sent after its time.
type mortal struct {
	net.Conn
	dead, tried *atomic.Int64
	born        int64
}

// Write implements net.Conn.
func (m *mortal) Write(p []byte) (int, error) {
	if m.dead.Load() > m.born {
		m.tried.Add(1)
		return 0, errLost
	}
	return m.Conn.Write(p)
}

// TestSilence gives up a host whose packets the kernel drops in seconds: a listener whose backlog is full.
func TestSilence(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String() //nolint:forcetypeassert // as bound
	for range 3 {
		if connection, err := net.DialTimeout("tcp", address, 100*time.Millisecond); err == nil {
			t.Cleanup(func() { _ = connection.Close() })
		}
	}
	client := &http.Client{Transport: upstream.New(http.DefaultTransport, prometheus.NewRegistry()), Timeout: time.Minute}
	for range 2 {
		begin := time.Now()
		response, err := client.Get("http://" + address + blobPath)
		if err == nil {
			_ = response.Body.Close()
			t.Fatal("a listener that accepts nobody has answered")
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("it took %s to give up: %v", took, err)
		}
	}
}
