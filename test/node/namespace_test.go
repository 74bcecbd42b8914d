//go:build node

package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// netns is a network namespace.
type netns struct {
	name string
	file *os.File
}

// newNetns makes a namespace with nothing but loopback, and removes it after the test.
func newNetns(t *testing.T, name string) *netns {
	t.Helper()
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	file, err := os.Open("/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	n := &netns{name: name, file: file}
	n.ip(t, "link", "set", "lo", "up")
	return n
}

// ip runs ip(8) on the namespace.
func (n *netns) ip(t *testing.T, args ...string) {
	t.Helper()
	ip(t, append([]string{"-n", n.name}, args...)...)
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, output)
	}
}

// do calls f on a thread that is in the namespace. Sockets and processes that f makes itself, not in another goroutine,
// are in the namespace too.
func (n *netns) do(f func() error) error {
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
			result <- fmt.Errorf("entering namespace %s: %w", n.name, err)
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

// listen listens on an address inside the namespace.
func (n *netns) listen(address string) (listener net.Listener, err error) {
	err = n.do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// dial connects from inside the namespace; the address must have no name.
func (n *netns) dial(ctx context.Context, network, address string) (connection net.Conn, err error) {
	err = n.do(func() error {
		connection, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return connection, err
}

// sysctl sets a value of the namespace.
func (n *netns) sysctl(t *testing.T, path, value string) {
	t.Helper()
	err := n.do(func() error { return os.WriteFile("/proc/sys/net/"+path, []byte(value), 0o644) })
	if err != nil {
		t.Fatal(err)
	}
}
