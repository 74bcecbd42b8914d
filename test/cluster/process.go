package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is a program that a test started. It dies with the test's process, however that one ends.
type Process struct {
	name string
	log  string // the file with what it prints
	cmd  *exec.Cmd

	exited chan struct{} // closed when it has ended
}

// startProcess starts a program in a process group of its own, with its output appended to the file log and exactly the
// environment env.
func startProcess(log, name, path string, env []string, args ...string) (*Process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer output.Close() //nolint:errcheck // the child has its own descriptor

	p := &Process{name: name, log: log, cmd: exec.Command(path, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.Env = append([]string{}, env...) // nil would be the test's own
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := parent()(p.cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended, the log says better
		close(p.exited)
	}()
	return p, nil
}

// parent returns a function that runs another on the one thread from which all processes are started. For Linux the
// parent of a process is a thread: with Pdeathsig it dies when that thread ends, and Go may end any thread but one that a
// goroutine has locked and never leaves (see https://github.com/golang/go/issues/27505).
var parent = sync.OnceValue(func() func(func() error) error {
	calls, results := make(chan func() error), make(chan error)
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			results <- call()
		}
	}()
	var lock sync.Mutex
	return func(call func() error) error {
		lock.Lock()
		defer lock.Unlock()
		calls <- call
		return <-results
	}
})

// PID returns the process' id.
func (p *Process) PID() int {
	return p.cmd.Process.Pid
}

// Exited returns a channel that is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} {
	return p.exited
}

func (p *Process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Stop asks the process to end and kills it, with its whole process group, if it has not done so within grace.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(grace):
		return p.Kill()
	}
}

// Kill ends the process with its whole process group at once, without giving it a chance to tidy up.
func (p *Process) Kill() error {
	err := p.signal(syscall.SIGKILL)
	if err == nil {
		<-p.exited
	}
	return err
}

// signal sends to the process group, if the process still runs. It is no error that it just ended.
func (p *Process) signal(signal syscall.Signal) error {
	if !p.running() {
		return nil // its id may be somebody else's by now
	}
	if err := syscall.Kill(-p.PID(), signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %s to %s: %w", signal, p.name, err)
	}
	return nil
}

// Logs returns what the process has printed so far, or why that cannot be read.
func (p *Process) Logs() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
