//go:build node

package scripts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

func removeAll(t *testing.T, path string) {
	t.Helper()
	for range 20 { // the guard may be writing into it
		if os.RemoveAll(path) == nil {
			return
		}
	}
	t.Fatalf("removing %s failed", path)
}

// TestCleanerAndGuardDoNotFight: what the cleaner withdrew stays withdrawn, though the cache still answers and the guard
// still has it in its list, also after a restart; another endpoint is used, and so is the old one when the word is old.
func TestCleanerAndGuardDoNotFight(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c, quay, other := newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
		c.up()
		quay.up()
		other.up()
		list := []string{"docker.io," + c.url() + "," + hub, "quay.io," + quay.url() + ",https://quay.io"}
		n.start(list...)
		rest := tree.Tree{"quay.io/hosts.toml": inUse("https://quay.io", quay.url())}
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url()), "quay.io/hosts.toml": rest["quay.io/hosts.toml"]}, 3*time.Second)

		if out := n.clean("docker.io"); !strings.Contains(out, "docker.io: withdrawn") {
			t.Errorf("the cleaner must say what it did, got:\n%s", out)
		}
		time.Sleep(1500 * time.Millisecond) // the guard may have been writing at that moment
		n.stays(rest, 11*time.Second)       // longer than a round
		n.clean("docker.io")                // again: idempotent

		n.signal(syscall.SIGTERM, 5*time.Second)
		n.start(list...)
		n.waitFor(rest, 3*time.Second)
		n.stays(rest, 2*time.Second)

		n.signal(syscall.SIGTERM, 5*time.Second)
		n.start("docker.io,"+other.url()+","+hub, list[1])
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, other.url()), "quay.io/hosts.toml": rest["quay.io/hosts.toml"]}, 3*time.Second)

		n.signal(syscall.SIGTERM, 5*time.Second)
		old := time.Now().Add(-31 * time.Minute).Unix()
		tree.Write(t, n.state, tree.Tree{"withdrawn/docker.io": fmt.Sprintf("%s %d\n", c.url(), old)})
		n.start(list...)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url()), "quay.io/hosts.toml": rest["quay.io/hosts.toml"]}, 3*time.Second)
	})
}

// TestWordGrowsOldUnderARunningGuard: the cache has to answer anew.
func TestWordGrowsOldUnderARunningGuard(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
		almost := time.Now().Add(-30*time.Minute + 4*time.Second).Unix()
		tree.Write(t, n.state, tree.Tree{"withdrawn/docker.io": fmt.Sprintf("%s %d\n", c.url(), almost)})
		n.waitFor(tree.Tree{"docker.io/": ""}, 3*time.Second)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 24*time.Second)
	})
}

// TestCleanerLeavesWordForACacheThatDoesNotAnswer: its endpoint is not in hosts.toml then, but in the guard's state.
func TestCleanerLeavesWordForACacheThatDoesNotAnswer(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		n.start("docker.io," + c.url() + "," + hub)
		time.Sleep(3 * time.Second)
		n.clean("docker.io")
		c.up()
		n.stays(tree.Tree{}, 4*time.Second)
	})
}

// TestCleanerSaysWhatItCannotRemove and withdraws the rest; its exit code makes the DaemonSet's pod try again.
func TestCleanerSaysWhatItCannotRemove(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		readOnly := filepath.Join(n.certs, "docker.io")
		if err := os.Mkdir(readOnly, 0o700); err != nil {
			t.Fatal(err)
		}
		mount(t, readOnly)
		tree.Write(t, n.certs, tree.Tree{"docker.io/hosts.toml": legacy, "quay.io/hosts.toml": legacy})
		if err := syscall.Mount("", readOnly, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		out, err := n.command("clean-containerd-registries.sh", "docker.io", "quay.io").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "removing "+readOnly+"/hosts.toml failed") {
			t.Errorf("it must fail and name the file, got %v:\n%s", err, out)
		}
		if diff := cmp.Diff(tree.Tree{"docker.io/hosts.toml": legacy}, n.tree()); diff != "" {
			t.Errorf("the other upstream must be withdrawn (-want +got):\n%s", diff)
		}
	})
}
