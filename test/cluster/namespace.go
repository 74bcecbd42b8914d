package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/registry-cache/registry-cache/test/netns"
)

// Namespace is a network namespace. It has no name in the file system: a process holds it that dies with the test's process,
// so nothing of it, neither links nor rules of iptables, can be left behind.
type Namespace struct {
	*netns.Namespace
	name   string
	holder *Process
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
	if err := n.IP("link", "set", "lo", "up"); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
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
	n.Namespace, err = netns.Open(n.Path())
	return err
}

// Path is that of the namespace's file, for nsenter --net.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/ns/net", n.holder.PID()) }

// Close ends the namespace, with all links into it.
func (n *Namespace) Close() error {
	return errors.Join(n.Namespace.Close(), n.holder.Kill())
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

// Client returns a client that asks from inside the namespace, by addresses, and trusts nobody's certificates.
func (n *Namespace) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: n.Dial, DisableKeepAlives: true}}
}
