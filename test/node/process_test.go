//go:build node

package node

import (
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// withHosts mounts the world's /etc/hosts and an /etc/resolv.conf without a name server, in a mount namespace that only
// the process has, before it becomes the process.
const withHosts = `/bin/mount --bind "$1/hosts" /etc/hosts && /bin/mount --bind "$1/resolv.conf" /etc/resolv.conf && shift && exec "$@"`

// process is a program that runs in a namespace of the world.
type process struct {
	cmd    *exec.Cmd
	log    output
	exited chan struct{} // closed when the process has ended, after err is set
	err    error
}

// start runs a program in the namespace, with nothing in its environment but env, until the test ends at the latest.
// When the test's own process is killed, the program is killed as well.
func (w *world) start(n *namespace, env []string, args ...string) *process {
	w.t.Helper()
	p := &process{cmd: exec.Command("/bin/sh", append([]string{"-c", withHosts, "sh", w.dir}, args...)...), exited: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = time.Second
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Unshareflags: syscall.CLONE_NEWNS}
	if _, err := p.cmd.StdinPipe(); err != nil { // a registry ends with it, see registries.ServeIfAsked
		w.t.Fatal(err)
	}
	if err := n.Do(p.cmd.Start); err != nil {
		w.t.Fatalf("starting %s: %v", args[0], err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	w.t.Cleanup(p.kill)
	return p
}

// running says whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// kill kills the process with all that it started, and waits for it.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // fails if it has ended, which is what we want
	<-p.exited
}

// signal sends a signal to the process alone, as a container runtime does to the first process of a container.
func (p *process) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("sending %s: %v", signal, err)
	}
}

// signalAll sends a signal to the process and all that it started, as systemd does.
func (p *process) signalAll(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, signal); err != nil {
		t.Fatalf("sending %s: %v", signal, err)
	}
}

// wait waits for the end of the process and returns how long that took.
func (p *process) wait(t *testing.T, limit time.Duration) time.Duration {
	t.Helper()
	start := time.Now()
	select {
	case <-p.exited:
	case <-time.After(limit):
		t.Fatalf("the process did not end within %s\n%s", limit, p.log.String())
	}
	return time.Since(start)
}

// output keeps what is written to it.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String returns what was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
