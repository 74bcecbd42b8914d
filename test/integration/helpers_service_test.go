//go:build integration

package integration

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/registry-cache/registry-cache/test/extension"
)

// playedService is a Service before several replicas, of which there is none without pods: who connects gets one of them that
// accepts.
type playedService struct {
	listener net.Listener

	lock     sync.Mutex
	backends []string
	open     map[net.Conn]bool
	next     int
}

// playService begins to play a Service that has no replica yet.
func (e *env) playService() *playedService {
	e.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(e.ctx, "tcp", "127.0.0.1:0")
	e.must(err)
	s := &playedService{listener: listener, open: map[net.Conn]bool{}}
	e.t.Cleanup(func() {
		_ = listener.Close()
		s.lead()
	})
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return // it was closed
			}
			go s.serve(connection)
		}
	}()
	return s
}

// address is where it listens.
func (s *playedService) address() string { return s.listener.Addr().String() }

// lead makes these the replicas that are ready; connections to others end.
func (s *playedService) lead(replicas ...*extension.Process) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.backends = nil
	for _, replica := range replicas {
		s.backends = append(s.backends, replica.Webhook)
	}
	for connection := range s.open {
		_ = connection.Close()
	}
	clear(s.open)
}

// serve copies between a client and a replica until one of them ends.
func (s *playedService) serve(from net.Conn) {
	defer from.Close() //nolint:errcheck // there is nobody to tell
	to, err := s.dial()
	if err != nil {
		return
	}
	defer to.Close() //nolint:errcheck // there is nobody to tell
	s.lock.Lock()
	s.open[from] = true
	s.lock.Unlock()
	go func() {
		_, _ = io.Copy(to, from)
		_ = to.Close()
	}()
	_, _ = io.Copy(from, to)
	s.lock.Lock()
	delete(s.open, from)
	s.lock.Unlock()
}

// dial connects to the replicas in turn until one accepts.
func (s *playedService) dial() (net.Conn, error) {
	s.lock.Lock()
	backends := append([]string{}, s.backends...)
	s.next++
	first := s.next
	s.lock.Unlock()
	for i := range backends {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", backends[(first+i)%len(backends)])
		cancel()
		if err == nil {
			return connection, nil
		}
	}
	return nil, fmt.Errorf("none of %d replicas accepts", len(backends))
}
