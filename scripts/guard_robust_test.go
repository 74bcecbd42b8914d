//go:build node

package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tree"
)

// TestGuardWithdrawsThoughItsOwnFilesAreLost: whatever happens to the state folder or to a round of probes, a dead cache
// must not stay in hosts.toml.
func TestGuardWithdrawsThoughItsOwnFilesAreLost(t *testing.T) {
	for name, harm := range map[string]func(*testing.T, *node){
		"state folder removed": func(t *testing.T, n *node) { removeAll(t, n.state) },
		"state folder removed in a loop": func(t *testing.T, n *node) {
			for range 110 {
				removeAll(t, n.state)
				time.Sleep(100 * time.Millisecond)
			}
		},
		"another guard started beside it": func(t *testing.T, n *node) {
			if out, err := n.once("other.io,http://127.0.0.1:1,https://other.io"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		},
		"its probes killed": func(_ *testing.T, n *node) {
			for range 60 {
				_ = exec.Command("pkill", "-KILL", "-P", fmt.Sprint(n.guard.Process.Pid)).Run() // there may be none just now
				time.Sleep(150 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			underEachShell(t, func(t *testing.T, n *node) {
				c := newCache(t, "127.0.0.1")
				c.up()
				n.start("docker.io," + c.url() + "," + hub)
				n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
				c.down()
				harm(t, n)
				deadline := time.Now().Add(20 * time.Second)
				for n.tree()["docker.io/hosts.toml"] == inUse(hub, c.url()) {
					if time.Now().After(deadline) {
						t.Fatal("the cache is dead and still in use")
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
		})
	}
}

// TestGuardLeavesAloneWhatItCannotRead: it may be somebody's.
func TestGuardLeavesAloneWhatItCannotRead(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		path := filepath.Join(n.certs, "docker.io", "hosts.toml")
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(n.certs, "quay.io"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/nonexistent", filepath.Join(n.certs, "quay.io", "hosts.toml")); err != nil {
			t.Fatal(err)
		}
		n.start("docker.io,"+c.url()+","+hub, "quay.io,"+c.url()+",https://quay.io")
		time.Sleep(3 * time.Second)
		if entries, err := os.ReadDir(path); err != nil || len(entries) > 0 {
			t.Errorf("a folder in the place of the file must stay as it is, got %v, %v", entries, err)
		}
		if _, err := os.Readlink(filepath.Join(n.certs, "quay.io", "hosts.toml")); err != nil {
			t.Errorf("a link must stay a link: %v", err)
		}
		if n.count("cannot be read, left alone") != 2 {
			t.Errorf("it must be said once each, got:\n%s", n.log)
		}
	})
}

// TestGuardTakesOverFromOneOfAnotherName: a config that is renamed has a guard of another name.
func TestGuardTakesOverFromOneOfAnotherName(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		n.start("--owner", "old", "docker.io,"+c.url()+","+hub)
		named := func(name string) tree.Tree {
			return tree.Tree{"docker.io/hosts.toml": strings.Replace(inUse(hub, c.url()), "registries)", "registries "+name+")", 1)}
		}
		n.waitFor(named("old"), 3*time.Second)
		n.signal(syscall.SIGTERM, 5*time.Second)
		n.start("--owner", "new", "docker.io,"+c.url()+","+hub)
		n.waitFor(named("new"), 3*time.Second)
	})
}

// TestGuardKnowsACacheByAnyFormOfItsAddress.
func TestGuardKnowsACacheByAnyFormOfItsAddress(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "::1")
		c.up()
		_, port, _ := strings.Cut(c.addr, "]:")
		long := "http://[0:0:0:0:0:0:0:1]:" + port
		n.start("docker.io," + long + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, long)}, 3*time.Second)
	})
}

// TestGuardIgnoresWordsThatMakeNoSense: from the future, or damaged.
func TestGuardIgnoresWordsThatMakeNoSense(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		tree.Write(t, n.state, tree.Tree{"withdrawn/docker.io": fmt.Sprintf("%s %d\n%s 08\n%s\n\n", c.url(), time.Now().Add(240*time.Hour).Unix(), c.url(), c.url())})
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
	})
}

// TestGuardTidiesUpAfterOneThatWasKilled: a folder with nothing but a half-written file would hide _default.
func TestGuardTidiesUpAfterOneThatWasKilled(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		tree.Write(t, n.certs, tree.Tree{"docker.io/.hosts.toml.new": "half", "docker.io/.registry-cache-ca-01.pem.new": "half"})
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{}, 3*time.Second)
	})
}
