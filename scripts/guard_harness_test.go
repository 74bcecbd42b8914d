//go:build node

package scripts_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

// shells are what nodes have as sh; each scenario runs under each of them.
var shells = map[string][]string{"dash": {"dash"}, "bash": {"bash"}, "busybox": {"busybox", "ash"}}

// underEachShell runs a scenario in parallel under all shells.
func underEachShell(t *testing.T, scenario func(*testing.T, *node)) {
	t.Helper()
	t.Parallel()
	for name, shell := range shells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			n := &node{T: t, shell: shell, certs: filepath.Join(dir, "certs.d"), state: filepath.Join(dir, "run")}
			if err := os.MkdirAll(n.certs, 0o700); err != nil {
				t.Fatal(err)
			}
			scenario(t, n)
		})
	}
}

// node is a node's folders, and the guard that runs on it.
type node struct {
	*testing.T
	shell        []string
	certs, state string
	env          []string
	guard        *exec.Cmd
	log          *lockedBuffer
	exited       chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (n *node) command(script string, args ...string) *exec.Cmd {
	cmd := exec.Command(n.shell[0], append(append(append([]string{}, n.shell[1:]...), script), args...)...)
	cmd.Env = append(append(os.Environ(), "CERTS_DIR="+n.certs, "STATE_DIR="+n.state), n.env...)
	return cmd
}

// start starts the guard.
func (n *node) start(args ...string) {
	n.Helper()
	n.log = &lockedBuffer{}
	cmd := n.command("configure-containerd-registries.sh", args...)
	cmd.Stdout, cmd.Stderr = n.log, n.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		n.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	n.guard, n.exited = cmd, exited
	n.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-exited
		if n.Failed() {
			n.Logf("the guard said:\n%s", n.log)
		}
	})
}

// signal sends a signal to the guard and waits for its end.
func (n *node) signal(s syscall.Signal, within time.Duration) {
	n.Helper()
	if err := n.guard.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.Fatal(err)
	}
	select {
	case <-n.exited:
	case <-time.After(within):
		n.Fatalf("the guard must end within %s", within)
	}
	_ = syscall.Kill(-n.guard.Process.Pid, syscall.SIGKILL) // what a killed guard left running
}

// once runs the guard with --once and returns what it said.
func (n *node) once(args ...string) (string, error) {
	out, err := n.command("configure-containerd-registries.sh", append([]string{"--once"}, args...)...).CombinedOutput()
	return string(out), err
}

func (n *node) clean(upstreams ...string) string {
	n.Helper()
	out, err := n.command("clean-containerd-registries.sh", upstreams...).CombinedOutput()
	if err != nil {
		n.Fatalf("the cleaner failed: %v\n%s", err, out)
	}
	return string(out)
}

// waitFor waits until the certs.d folder is as wanted, nothing extra and nothing missing, and returns how long it took.
func (n *node) waitFor(want tree.Tree, within time.Duration) time.Duration {
	n.Helper()
	start := time.Now()
	for {
		diff := cmp.Diff(want, n.tree())
		if diff == "" {
			return time.Since(start)
		}
		if time.Since(start) > within {
			n.Fatalf("after %s the files must be as wanted (-want +got):\n%s", within, diff)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stays checks that the folder keeps being as wanted.
func (n *node) stays(want tree.Tree, during time.Duration) {
	n.Helper()
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if diff := cmp.Diff(want, n.tree()); diff != "" {
			n.Fatalf("the files must stay (-want +got):\n%s", diff)
		}
	}
}

// tree reads the folder, without files that are being written; somebody may be changing it.
func (n *node) tree() tree.Tree {
	files := tree.Tree{}
	dirs, err := os.ReadDir(n.certs)
	if err != nil {
		n.Fatal(err)
	}
	for _, dir := range dirs {
		entries, _ := os.ReadDir(filepath.Join(n.certs, dir.Name()))
		if len(entries) == 0 {
			files[dir.Name()+"/"] = ""
		}
		for _, entry := range entries {
			name := dir.Name() + "/" + entry.Name()
			if text, err := os.ReadFile(filepath.Join(n.certs, name)); err == nil && !strings.HasSuffix(name, ".new") {
				files[name] = string(text)
			}
		}
	}
	return files
}

func (n *node) write(name, text string) {
	n.Helper()
	tree.Write(n, n.certs, tree.Tree{name: text})
}

// count says how often the guard logged a text.
func (n *node) count(text string) int { return strings.Count(n.log.String(), text) }

func inUse(server, address string, more ...string) string {
	return fmt.Sprintf("# managed by registry-cache (configure-containerd-registries), do not edit\nserver = %q\n\n[host.%q]\n"+
		"  capabilities = [\"pull\", \"resolve\"]\n  dial_timeout = \"1s\"\n%s", server, address, strings.Join(more, ""))
}

func direct(server string) string {
	return fmt.Sprintf("# managed by registry-cache (configure-containerd-registries), do not edit\nserver = %q\n\n[host.%q]\n"+
		"  capabilities = [\"pull\", \"resolve\"]\n", server, server)
}

const hub = "https://registry-1.docker.io"

// cache is what a guard sees of a cache: something that answers /v2/, on an address that it keeps.
type cache struct {
	t      *testing.T
	addr   string
	server *httptest.Server
	probes atomic.Int64
	status atomic.Int64
	stall  atomic.Bool
}

// ports are those of the caches. They lie below those that the machine gives away by itself, so that nobody takes the
// port of a cache that is down.
var ports atomic.Int64

// newCache chooses an address; nothing answers there yet.
func newCache(t *testing.T, host string) *cache {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort(host, strconv.FormatInt(10100+ports.Add(1), 10))
		if listener, err := net.Listen("tcp", addr); err == nil {
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
			c := &cache{t: t, addr: addr}
			c.status.Store(http.StatusOK)
			t.Cleanup(c.down)
			return c
		}
	}
	t.Fatal("no free port found")
	return nil
}

func (c *cache) url() string { return "http://" + c.addr }

func (c *cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.probes.Add(1)
	if r.URL.Path != "/v2/" {
		c.t.Errorf("the guard must ask for /v2/, got %s", r.URL.Path)
	}
	if c.stall.Load() {
		select {
		case <-r.Context().Done():
		case <-time.After(30 * time.Second):
		}
		return
	}
	w.WriteHeader(int(c.status.Load()))
}

func (c *cache) up() {
	c.t.Helper()
	c.upWith(func(s *httptest.Server) { s.Start() })
}

func (c *cache) upWith(start func(*httptest.Server)) {
	c.t.Helper()
	listener, err := net.Listen("tcp", c.addr)
	for range 100 { // a process that is just being started holds all sockets for a moment, also one that was closed
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		time.Sleep(20 * time.Millisecond)
		listener, err = net.Listen("tcp", c.addr)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = httptest.NewUnstartedServer(c)
	_ = c.server.Listener.Close()
	c.server.Listener = listener
	start(c.server)
}

func (c *cache) down() {
	if c.server != nil {
		c.server.CloseClientConnections()
		c.server.Close()
		c.server = nil
	}
}
