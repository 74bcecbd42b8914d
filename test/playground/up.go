package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// startLimit is generous: the images are compiled at the first time.
const startLimit = 5 * time.Minute

// up starts a playground in the background and prints what to do with it.
func up(ctx context.Context, p playground) error {
	folder, err := p.folder()
	if err != nil {
		return err
	}
	pid, err := p.process()
	if err != nil {
		return err
	}
	if pid != 0 {
		return fmt.Errorf("playground %s runs already: make cluster-down NAME=%s stops it", p.name, p.name)
	}
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
		return fmt.Errorf("making the folder of playground %s: %w", p.name, err)
	}
	command, err := startInBackground(p, folder)
	if err != nil {
		return fmt.Errorf("starting playground %s: %w", p.name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	return await(ctx, folder, command, ended)
}

// startInBackground starts this program once more, detached from the terminal.
func startInBackground(p playground, folder string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "playground.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor
	command := exec.Command(program, "serve", "-name", p.name, "-nodes", strconv.Itoa(p.nodes))
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "pid"), fmt.Appendln(nil, command.Process.Pid), 0o644); err != nil {
		return nil, errors.Join(err, command.Process.Kill()) // nobody could find it
	}
	return command, nil
}

// await waits until the playground says that it is ready, and prints what it says.
func await(ctx context.Context, folder string, command *exec.Cmd, ended <-chan error) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	limit := time.After(startLimit)
	for {
		select {
		case <-ended:
			return fmt.Errorf("it did not start: %s", readAll(filepath.Join(folder, "playground.log")))
		case <-ctx.Done():
			_ = command.Process.Signal(syscall.SIGTERM) // it may have ended
			<-ended
			return ctx.Err()
		case <-limit:
			_ = command.Process.Signal(syscall.SIGTERM) // it may have ended
			<-ended
			return fmt.Errorf("it was not ready within %s: %s", startLimit, readAll(filepath.Join(folder, "playground.log")))
		case <-ticker.C:
			if text := readAll(filepath.Join(folder, "ready")); text != "" {
				_, err := io.WriteString(os.Stdout, text)
				return err
			}
		}
	}
}

// readAll returns the content of a file, "" if it cannot be read.
func readAll(path string) string {
	text, _ := os.ReadFile(path) // it may not be there yet
	return string(text)
}
