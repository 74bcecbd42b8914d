package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
	settleLimit  = 2 * time.Minute
	quietEnough  = 500 * time.Millisecond
	pollEvery    = 20 * time.Millisecond
	// storeRoot is where distribution stores below its root directory.
	storeRoot = "docker/registry/v2"
)

// program is one of the registries that are compared, with an empty store of its own.
type program struct {
	name   string
	host   string
	debug  string
	root   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
	client *http.Client
}

// startProgram runs "binary serve config" with a new store below dir, and waits until it answers. What differs between two
// programs is in the environment, so that both read the same file.
func startProgram(ctx context.Context, name, binary, config, dir, upstream string) (*program, error) {
	root, err := os.MkdirTemp(dir, "cachebench-")
	if err != nil {
		return nil, fmt.Errorf("making a store: %w", err)
	}
	p := &program{name: name, root: root, exited: make(chan struct{})}
	if p.host, err = freeAddress(); err == nil {
		p.debug, err = freeAddress()
	}
	if err == nil {
		err = p.start(binary, config, upstream)
	}
	if err == nil {
		err = p.waitUntilReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", binary, err), p.stop())
	}
	return p, nil
}

func (p *program) start(binary, config, upstream string) error {
	cmd := exec.Command(binary, "serve", config)
	cmd.Env = []string{
		"OTEL_TRACES_EXPORTER=none",
		"REGISTRY_HTTP_ADDR=" + p.host,
		"REGISTRY_HTTP_DEBUG_ADDR=" + p.debug,
		"REGISTRY_PROXY_REMOTEURL=" + upstream,
		"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=" + p.root,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not outlive us
	p.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000, DisableCompression: true}}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	go func() {
		_ = cmd.Wait() // whoever waits for an answer learns that there is none
		close(p.exited)
	}()
	return nil
}

func (p *program) waitUntilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		_, err := p.get(ctx, "", nil)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return err
		case <-time.After(pollEvery):
		}
	}
}

// get requests a path below /v2/ and reads the body through the buffer. It returns how long the body was.
func (p *program) get(ctx context.Context, path string, buffer []byte) (int64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.host+"/v2/"+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Accept", acceptManifests)
	response, err := p.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("getting %s from %s: it answered %s", path, p.name, response.Status)
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{response.Body}, buffer)
	if err != nil {
		return n, fmt.Errorf("getting %s from %s: %w", path, p.name, err)
	}
	return n, nil
}

// cpu is the processor time that the process has used so far, to the nanosecond; /proc/<pid>/stat has it in steps of 10 ms.
func (p *program) cpu() (time.Duration, error) {
	var t unix.Timespec
	clock := int32(^p.cmd.Process.Pid)<<3 | 2 // see clock_getcpuclockid(3)
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("reading processor time of %s: %w", p.name, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory reads a line of /proc/<pid>/status, in bytes.
func (p *program) memory(line string) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading memory of %s: %w", p.name, err)
	}
	return statusLine(status, line)
}

func statusLine(status []byte, line string) (int64, error) {
	_, rest, ok := bytes.Cut(status, []byte("\n"+line+":"))
	if fields := bytes.Fields(rest); ok && len(fields) > 1 && string(fields[1]) == "kB" {
		kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
		return kib << 10, err
	}
	return 0, fmt.Errorf("the process has no %s", line)
}

// settle waits until the store has these blobs, or until nothing is written to it any more: a cache may store behind its
// client's back, and may give up what the disk is too slow for.
func (p *program) settle(ctx context.Context, content []digest.Digest) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	quiet := time.Now()
	for len(p.missing(content)) > 0 && time.Since(quiet) < quietEnough {
		uploads, err := os.ReadDir(filepath.Join(p.root, storeRoot, "repositories", repository, "_uploads"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("looking for uploads of %s: %w", p.name, err)
		}
		if len(uploads) > 0 {
			quiet = time.Now()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s has %d uploads still: %w", p.name, len(uploads), ctx.Err())
		case <-time.After(pollEvery):
		}
	}
	return nil
}

// missing returns which blobs are not in the store.
func (p *program) missing(content []digest.Digest) []digest.Digest {
	var missing []digest.Digest
	for _, dgst := range content {
		file := filepath.Join(p.root, storeRoot, "blobs", "sha256", dgst.Encoded()[:2], dgst.Encoded(), "data")
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, dgst)
		}
	}
	return missing
}

// stop ends the process and removes its store.
func (p *program) stop() error {
	if p.cmd != nil {
		p.client.CloseIdleConnections()
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended, which is what we want
		select {
		case <-p.exited:
		case <-time.After(stopTimeout):
			_ = p.cmd.Process.Kill()
			<-p.exited
		}
	}
	if err := os.RemoveAll(p.root); err != nil {
		return fmt.Errorf("removing store of %s: %w", p.name, err)
	}
	return nil
}

// freeAddress returns a loopback address that was free a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
