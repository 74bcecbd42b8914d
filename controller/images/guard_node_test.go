//go:build node

package images

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/registry-cache/registry-cache/test/tree"
)

const (
	guardScript   = "/scripts/configure-containerd-registries.sh"
	cleanerScript = "/scripts/clean-containerd-registries.sh"
	root          = "0"
	marker        = "# managed by registry-cache (configure-containerd-registries), do not edit\n"
	// cpuLimit is the part of one core that a guard of five registries may take.
	cpuLimit, cpuWindow = 0.005, 24 * time.Second
)

// cache answers probes on one address while it is up.
type cache struct {
	server *httptest.Server
	probes atomic.Int64
}

func startCache(t *testing.T, address string, start func(*httptest.Server)) *cache {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := &cache{}
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.probes.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	_ = c.server.Listener.Close()
	c.server.Listener = listener
	start(c.server)
	t.Cleanup(c.server.Close)
	return c
}

// In the node helper image the real guard finds caches by address and by name, with http and with https, follows one that
// goes, costs next to nothing, and leaves no file that needs it. Then the real cleaner cleans.
func TestGuardInNodeHelper(t *testing.T) {
	r := unpack(t, "registry-cache-node-helper")
	enterNetwork(t, map[string]string{"registry-docker-io.caches.svc.test": "127.0.0.2", "example.com": "127.0.0.3"})
	image := tree.Read(t, filepath.Join(r.folder, "bin"))
	prepare(t, r)
	startCache(t, "127.0.0.2:5000", (*httptest.Server).Start)
	secure := startCache(t, "127.0.0.3:5000", (*httptest.Server).StartTLS)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.server.Certificate().Raw})
	r.writeFile(t, "ca/caches.pem", string(authority))
	plain := []*cache{}
	arguments := []string{
		"docker.io,http://registry-docker-io:5000,https://registry-1.docker.io",
		"quay.test,https://example.com:5000,https://quay.test",
	}
	for i := range 3 {
		address := fmt.Sprintf("127.0.1.%d:5000", i)
		plain = append(plain, startCache(t, address, (*httptest.Server).Start))
		arguments = append(arguments, fmt.Sprintf("r%d.test,http://%s,https://r%d.test", i, address, i))
	}

	guard := startGuard(t, r, append([]string{"--ca-file", "/ca"}, arguments...)...)
	guard.waitFor("docker.io", inUse("https://registry-1.docker.io", "http://127.0.0.2:5000"))
	guard.waitFor("quay.test", inUse("https://quay.test", "https://127.0.0.3:5000", guard.copyOf(string(authority))))
	for i := range 3 {
		guard.waitFor(fmt.Sprintf("r%d.test", i), inUse(fmt.Sprintf("https://r%d.test", i), fmt.Sprintf("http://127.0.1.%d:5000", i)))
	}
	guard.checkCost(plain[0])
	plain[2].server.Close()
	guard.waitFor("r2.test", direct("https://r2.test"))

	clean := r.command(root, "/bin/sh", cleanerScript, "docker.io")
	if output, err := clean.CombinedOutput(); err != nil || !strings.Contains(string(output), "docker.io: withdrawn") {
		t.Errorf("the cleaner must withdraw docker.io, said: %v\n%s", err, output)
	}
	guard.waitFor("docker.io", "")
	guard.stop()
	guard.waitFor("r0.test", direct("https://r0.test"))
	guard.waitFor("docker.io", "")
	if diff := cmp.Diff(image, tree.Read(t, filepath.Join(r.folder, "bin"))); diff != "" {
		t.Errorf("nothing must change in the image (-want +got):\n%s", diff)
	}
}

// prepare puts into the folder what the DaemonSet mounts and the kubelet writes.
func prepare(t *testing.T, r *rootfs) {
	t.Helper()
	for _, script := range []string{guardScript, cleanerScript} {
		r.copyFile(t, "../.."+script, script)
	}
	r.mkdir(t, "etc/containerd/certs.d")
	r.mkdir(t, "run/registry-cache")
	r.writeFile(t, "etc/resolv.conf", "nameserver 127.0.0.1\nsearch caches.svc.test svc.test\noptions ndots:5\n")
}

type runningGuard struct {
	*testing.T
	r      *rootfs
	pid    int
	log    *bytes.Buffer
	exited chan error
}

func startGuard(t *testing.T, r *rootfs, arguments ...string) *runningGuard {
	t.Helper()
	command := r.command(root, append([]string{"/bin/sh", guardScript}, arguments...)...)
	g := &runningGuard{T: t, r: r, log: &bytes.Buffer{}, exited: make(chan error, 1)}
	command.Stdout, command.Stderr = g.log, g.log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	g.pid = command.Process.Pid
	done := make(chan struct{})
	go func() { g.exited <- command.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-g.pid, syscall.SIGKILL)
		<-done
		if t.Failed() {
			t.Logf("the guard said:\n%s", g.log)
		}
	})
	return g
}

// waitFor waits until hosts.toml is as wanted, or is not there if nothing is wanted.
func (g *runningGuard) waitFor(upstream, want string) {
	g.Helper()
	file := filepath.Join(g.r.folder, "etc/containerd/certs.d", upstream, "hosts.toml")
	var got string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		content, err := os.ReadFile(file)
		if got = string(content); got == want && (want == "") == os.IsNotExist(err) {
			return
		}
	}
	g.Fatalf("hosts.toml of %s must be as wanted (-want +got):\n%s", upstream, cmp.Diff(want, got))
}

// copyOf waits for the guard's copy of the CA certificates and returns the line that names it.
func (g *runningGuard) copyOf(authority string) string {
	g.Helper()
	pattern := filepath.Join(g.r.folder, "etc/containerd/certs.d/quay.test/registry-cache-ca-*.pem")
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		copies, _ := filepath.Glob(pattern)
		if len(copies) != 1 {
			continue
		}
		if content, err := os.ReadFile(copies[0]); err == nil && string(content) == authority {
			return fmt.Sprintf("  ca = %q\n", strings.TrimPrefix(copies[0], g.r.folder))
		}
	}
	g.Fatal("there must be one copy of the CA certificates")
	return ""
}

// checkCost measures the guard's part of a core while all is well.
func (g *runningGuard) checkCost(c *cache) {
	g.Helper()
	before, probes := g.cpuTime(), c.probes.Load()
	time.Sleep(cpuWindow)
	part := (g.cpuTime() - before).Seconds() / cpuWindow.Seconds()
	g.Logf("%.2f %% of a core, %d probes per registry in %s", 100*part, c.probes.Load()-probes, cpuWindow)
	if part > cpuLimit {
		g.Errorf("the guard takes %.2f %% of a core, want at most %.2f %%", 100*part, 100*cpuLimit)
	}
	if c.probes.Load() == probes {
		g.Error("the cache must be probed")
	}
}

// cpuTime returns what the guard and its children that ended have used.
func (g *runningGuard) cpuTime() time.Duration {
	g.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.pid))
	if err != nil {
		g.Fatal(err)
	}
	fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
	const hertz = 100 // what /proc counts time in
	var sum time.Duration
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		var value int
		if _, err := fmt.Sscan(field, &value); err != nil {
			g.Fatal(err)
		}
		sum += time.Duration(value) * time.Second / hertz
	}
	return sum
}

// stop tells the guard to stop, as the kubelet does.
func (g *runningGuard) stop() {
	g.Helper()
	if err := syscall.Kill(g.pid, syscall.SIGTERM); err != nil {
		g.Fatal(err)
	}
	select {
	case err := <-g.exited:
		if err != nil {
			g.Errorf("the guard must end well, got %v", err)
		}
	case <-time.After(10 * time.Second):
		g.Fatal("the guard must end within 10 seconds")
	}
}

func inUse(server, address string, more ...string) string {
	return fmt.Sprintf("%sserver = %q\n\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n  dial_timeout = \"1s\"\n%s",
		marker, server, address, strings.Join(more, ""))
}

func direct(server string) string {
	return fmt.Sprintf("%sserver = %q\n\n[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", marker, server, server)
}
