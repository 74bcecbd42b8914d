// Package netns works inside of network namespaces: what listens or connects there, and what is set there, belongs to the namespace,
// while the program stays where it is. It needs root.
package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is an open network namespace.
type Namespace struct {
	file *os.File
}

// Open opens a namespace by its file, /run/netns/NAME or /proc/PID/ns/net.
func Open(path string) (*Namespace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a network namespace: %w", err)
	}
	return &Namespace{file}, nil
}

// Close lets go of the namespace, which ends when nobody else holds it.
func (n *Namespace) Close() error { return n.file.Close() }

// Do calls f on a thread that is in the namespace. Sockets and processes that f makes itself, not in another goroutine, are in
// the namespace too.
func (n *Namespace) Do(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- err
			return
		}
		defer func() { _ = home.Close() }()
		if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("entering network namespace %s: %w", n.file.Name(), err)
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread() // else the thread ends with this goroutine
		}
		result <- err
	}()
	return <-result
}

// Listen listens on an address inside the namespace.
func (n *Namespace) Listen(address string) (listener net.Listener, err error) {
	err = n.Do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// Dial connects from inside the namespace. The address must not have a name: nobody resolves names there for this program.
func (n *Namespace) Dial(ctx context.Context, network, address string) (connection net.Conn, err error) {
	err = n.Do(func() error {
		connection, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return connection, err
}

// Sysctl sets a value below net of the namespace, such as "ipv4/ip_forward".
func (n *Namespace) Sysctl(path, value string) error {
	return n.Do(func() error { return os.WriteFile("/proc/sys/net/"+path, []byte(value), 0o644) })
}
