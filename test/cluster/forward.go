package cluster

import (
	"context"
	"fmt"
	"io"
	"net"
)

// forwarder passes connections to a port of this machine's loopback interface on to the same port of a namespace's.
type forwarder struct {
	listener net.Listener
	target   *Namespace
	address  string
}

// newForwarder starts to listen, and returns an error if somebody else does there.
func newForwarder(port int, target *Namespace) (*forwarder, error) {
	listener, err := net.Listen("tcp", hostPort(port))
	if err != nil {
		return nil, fmt.Errorf("listening for clients outside of the cluster: %w", err)
	}
	f := &forwarder{listener: listener, target: target, address: hostPort(port)}
	go f.accept()
	return f, nil
}

func (f *forwarder) close() error { return f.listener.Close() }

func (f *forwarder) accept() {
	for {
		connection, err := f.listener.Accept()
		if err != nil {
			return // it was closed
		}
		go f.serve(connection)
	}
}

// serve copies in both directions until one side ends, which the other side then sees.
func (f *forwarder) serve(from net.Conn) {
	defer from.Close() //nolint:errcheck // there is nobody to tell
	to, err := f.target.Dial(context.Background(), "tcp", f.address)
	if err != nil {
		return // the client sees it
	}
	defer to.Close() //nolint:errcheck // there is nobody to tell
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(way[1], way[0]) // an error is an end
			done <- struct{}{}
		}()
	}
	<-done
}
