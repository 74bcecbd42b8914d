package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace. It has no name in the file system: a process holds it that dies with the test's process,
// so nothing of it, neither links nor rules of iptables, can be left behind.
type Namespace struct {
	name   string
	holder *Process
	file   *os.File
}

// newNamespace makes a namespace with nothing but loopback. The log gets what its holder prints, which is nothing.
func newNamespace(log, name string) (*Namespace, error) {
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return nil, fmt.Errorf("making network namespace %s: %w", name, err)
	}
	holder, err := startProcess(log, "holder of "+name, unshare, nil, "--net", "--", "/bin/sleep", "infinity")
	if err != nil {
		return nil, err
	}
	n := &Namespace{name: name, holder: holder}
	if err := n.open(); err != nil {
		_ = holder.Kill()
		return nil, fmt.Errorf("making network namespace %s: %w", name, err)
	}
	return n, n.IP("link", "set", "lo", "up")
}

// open waits until the holder has left the test's own namespace.
func (n *Namespace) open() error {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := until(ctx, "its holder has made it", func(context.Context) (bool, error) {
		its, err := os.Readlink(n.Path())
		return err == nil && its != own, err
	}); err != nil {
		return err
	}
	n.file, err = os.Open(n.Path())
	return err
}

// Path is that of the namespace's file, for nsenter --net.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/ns/net", n.holder.PID()) }

// Close ends the namespace, with all links into it.
func (n *Namespace) Close() error {
	_ = n.file.Close() // it was read only
	return n.holder.Kill()
}

// IP runs ip(8) in the namespace.
func (n *Namespace) IP(args ...string) error {
	return n.run("ip", args...)
}

// run runs a program in the namespace.
func (n *Namespace) run(program string, args ...string) error {
	output, err := exec.Command("nsenter", append([]string{"--net=" + n.Path(), "--", program}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("running %s %s in namespace %s: %w: %s", program, strings.Join(args, " "), n.name, err, output)
	}
	return nil
}

// sysctl sets a value below net of the namespace.
func (n *Namespace) sysctl(path, value string) error {
	return n.do(func() error { return os.WriteFile("/proc/sys/net/"+path, []byte(value), 0o644) })
}

// do calls f on a thread that is in the namespace. Sockets that f makes itself, not in another goroutine, are in the
// namespace too.
func (n *Namespace) do(f func() error) error {
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

// Listen listens on an address inside the namespace.
func (n *Namespace) Listen(address string) (listener net.Listener, err error) {
	err = n.do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// Dial connects from inside the namespace. The address must not have a name: nobody resolves names there for this process.
func (n *Namespace) Dial(ctx context.Context, network, address string) (connection net.Conn, err error) {
	err = n.do(func() error {
		connection, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return connection, err
}

// Client returns a client that asks from inside the namespace, by addresses, and trusts nobody's certificates.
func (n *Namespace) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.Dial, DisableKeepAlives: true}}
}
