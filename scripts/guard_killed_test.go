//go:build node

package scripts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tree"
)

// TestGuardKilledNeverTearsAFile: killed at any moment, the file is the old one or the new one, as a reader sees it all
// the time; and the next guard finds its way.
func TestGuardKilledNeverTearsAFile(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		file := filepath.Join(n.certs, "docker.io", "hosts.toml")
		whole := map[string]bool{inUse(hub, c.url()): true, direct(hub): true, legacy: true}
		var stop, done = make(chan struct{}), sync.WaitGroup{}
		done.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if text, err := os.ReadFile(file); err == nil && !whole[string(text)] {
					t.Errorf("torn: %q", text)
				}
			}
		})
		for i := range 40 {
			n.write("docker.io/hosts.toml.old", legacy)
			if err := os.Rename(file+".old", file); err != nil {
				t.Fatal(err)
			}
			n.start("docker.io," + c.url() + "," + hub)
			time.Sleep(time.Duration(i) * 4 * time.Millisecond)
			n.signal(syscall.SIGKILL, time.Second)
		}
		close(stop)
		done.Wait()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
	})
}

// TestGuardOnAFullDisk withdraws nevertheless, by removing the file, and writes again once there is room.
func TestGuardOnAFullDisk(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		mount(t, n.certs)
		c := newCache(t, "127.0.0.1")
		c.up()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
		fill := filepath.Join(n.certs, "fill")
		if err := os.WriteFile(fill, make([]byte, 1<<20), 0o600); err == nil {
			t.Fatal("the disk must be full")
		}
		c.down()
		deadline := time.Now().Add(15 * time.Second)
		for fileExists(filepath.Join(n.certs, "docker.io", "hosts.toml")) {
			if time.Now().After(deadline) {
				t.Fatal("a dead cache must be withdrawn on a full disk too")
			}
			time.Sleep(50 * time.Millisecond)
		}
		if fileExists(filepath.Join(n.certs, "docker.io")) {
			t.Error("an empty directory would hide _default")
		}
		if err := os.Remove(fill); err != nil {
			t.Fatal(err)
		}
		c.up()
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 15*time.Second)
		if n.count("failed") != 1 {
			t.Errorf("the trouble must be said once, got:\n%s", n.log)
		}
	})
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mount puts a file system of 64 KiB at dir, which needs root.
func mount(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=65536"); err != nil {
		t.Fatalf("mounting a small tmpfs (this test needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// TestGuardWithWget: nodes without curl.
func TestGuardWithWget(t *testing.T) {
	for name, wget := range map[string]string{"GNU wget": "wget", "busybox wget": "busybox"} {
		t.Run(name, func(t *testing.T) {
			underEachShell(t, func(t *testing.T, n *node) {
				n.env = append(n.env, "PATH="+pathWithout(t, wget))
				n.shell[0] = lookPath(t, n.shell[0])
				ca, c, denied, secure, gone := newAuthority(t), newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
				c.up()
				denied.status.Store(401)
				denied.up()
				secure.upTLS(ca)
				path := n.writeCA(ca.text)
				n.start("--ca-file", path, "docker.io,"+c.url()+","+hub, "denied.io,"+denied.url()+",https://denied.io",
					"secure.io,https://"+secure.addr+",https://secure.io", "gone.io,"+gone.url()+",https://gone.io",
					"name.io,http://localhost:"+c.addr[len("127.0.0.1:"):]+",https://name.io")
				want := tree.Tree{
					"docker.io/hosts.toml": inUse(hub, c.url()), "denied.io/hosts.toml": inUse("https://denied.io", denied.url()),
					"name.io/hosts.toml": inUse("https://name.io", c.url()),
				}
				if wget == "wget" {
					copied := copyName("secure.io", ca.text)
					want[copied] = ca.text
					want["secure.io/hosts.toml"] = inUse("https://secure.io", "https://"+secure.addr, fmt.Sprintf("  ca = %q\n", filepath.Join(n.certs, copied)))
				}
				n.waitFor(want, 6*time.Second)
				n.stays(want, time.Second)
				if said := strings.Contains(n.log.String(), "secure.io: this wget does not verify certificates"); said != (wget == "busybox") {
					t.Errorf("the log must say why https stays direct with busybox only, got:\n%s", n.log)
				}
				c.down()
				want["docker.io/hosts.toml"], want["name.io/hosts.toml"] = direct(hub), direct("https://name.io")
				n.waitFor(want, 15*time.Second)
			})
		})
	}
}

func lookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: make test-node says what it needs", err)
	}
	return path
}

// pathWithout makes a PATH that has what a small node has, and of the downloaders only one.
func pathWithout(t *testing.T, wget string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"sleep", "date", "mv", "rm", "rmdir", "mkdir", "od", "tr", "sed", "cut", "grep", "sha256sum", "cat", "head", "timeout", "getent"} {
		if err := os.Symlink(lookPath(t, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(lookPath(t, wget), filepath.Join(dir, "wget")); err != nil {
		t.Fatal(err)
	}
	return dir
}
