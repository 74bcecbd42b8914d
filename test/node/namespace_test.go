//go:build node

package node

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/test/netns"
)

// namespace is a network namespace with a name.
type namespace struct {
	*netns.Namespace
	name string
}

// newNamespace makes a namespace with nothing but loopback, and removes it after the test.
func newNamespace(t *testing.T, name string) *namespace {
	t.Helper()
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	opened, err := netns.Open("/run/netns/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	n := &namespace{opened, name}
	n.ip(t, "link", "set", "lo", "up")
	return n
}

// ip runs ip(8) on the namespace.
func (n *namespace) ip(t *testing.T, args ...string) {
	t.Helper()
	ip(t, append([]string{"-n", n.name}, args...)...)
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if output, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, output)
	}
}

// sysctl sets a value of the namespace.
func (n *namespace) sysctl(t *testing.T, path, value string) {
	t.Helper()
	if err := n.Sysctl(path, value); err != nil {
		t.Fatal(err)
	}
}
