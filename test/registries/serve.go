package registries

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // what a Cache stores in
)

const (
	// ConfigVariable tells a second process of this program that it is to be the registry, and with which file. It must
	// not begin with REGISTRY_, which the registry would take for a part of its configuration.
	ConfigVariable = "EMBEDDED_REGISTRY_CONFIG"
	// stopTimeout is how long a registry may take to stop before it is killed. Nobody pulls from it any more.
	stopTimeout = 10 * time.Second
	// logSize is how much of the end of a registry's log is kept.
	logSize = 64 << 10
)

// canServe says that this program calls ServeIfAsked, so that a second process of it will not do whatever else it does,
// for instance run all tests again.
var canServe atomic.Bool

// ServeIfAsked must be called first thing in main, or in TestMain, of a program that starts a Cache. It returns at once,
// unless this is the process that StartCache started: then it is distribution's registry until it is told to stop, and exits.
func ServeIfAsked() {
	ServeIfAskedWith(func(args []string) int {
		registry.RootCmd.SetArgs(args)
		if err := registry.RootCmd.Execute(); err != nil {
			return 1
		}
		return 0
	})
}

// ServeIfAskedWith is ServeIfAsked for another registry: main gets the arguments "serve" and the configuration file, and
// returns the exit code.
func ServeIfAskedWith(main func(args []string) int) {
	canServe.Store(true)
	config := os.Getenv(ConfigVariable)
	if config == "" {
		return
	}
	go func() { // a process whose parent is gone, however it went, must not stay: its end closes our stdin
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	os.Exit(main([]string{"serve", config}))
}

// process is a running registry.
type process struct {
	cmd    *exec.Cmd
	log    tail
	exited chan struct{} // closed when the process has ended, after err is set
	err    error
}

// startProcess starts this program once more as a registry with exactly this configuration file and environment.
func startProcess(config string, env map[string]string) (*process, error) {
	if !canServe.Load() {
		return nil, errors.New("registries.ServeIfAsked must be called first thing in main or TestMain")
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	p := &process{cmd: exec.Command(program), exited: make(chan struct{})}
	p.cmd.Env = []string{ConfigVariable + "=" + config}
	for key, value := range env {
		p.cmd.Env = append(p.cmd.Env, key+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if _, err := p.cmd.StdinPipe(); err != nil { // stays open until the process ends, see ServeIfAsked
		return nil, fmt.Errorf("opening stdin of registry: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting registry: %w", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop ends the process as a kubelet does. It may have ended by itself, because Ctrl-C goes to all of a terminal.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails if the process has ended, which is what we want
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("stopping registry: not done within %s", stopTimeout)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGTERM {
			return nil // a registry without a drain time does not handle the signal
		}
	}
	if p.err != nil {
		return fmt.Errorf("stopping registry: %w: %s", p.err, p.log.lastWords())
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu      sync.Mutex
	content []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.content = append(t.content, b...)
	if surplus := len(t.content) - logSize; surplus > 0 {
		t.content = t.content[surplus:]
	}
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.content)
}

// lastWords returns what an error message should say of it: the panic, if that was the end, or the last lines.
func (t *tail) lastWords() string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "panic: ") {
			return line
		}
	}
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
