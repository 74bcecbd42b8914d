//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// guardUnit is the unit of the guard.
const guardUnit = "configure-containerd-registries.service"

// systemd plays that of a node for simple services: it runs what ExecStartPre and ExecStart say, and stops a service as systemd
// does. It does not start one again that has ended by itself, and takes nothing away from it: sandboxes are left out.
type systemd struct {
	node *cluster.Node
	// enabled are the units that start with the node.
	enabled map[string]bool
}

// boot starts what is enabled, after the node has been booted.
func (s *systemd) boot(ctx context.Context) error {
	for name, enabled := range s.enabled {
		if !enabled {
			continue
		}
		if err := s.start(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// start runs a unit that does not run.
func (s *systemd) start(ctx context.Context, name string) error {
	text, err := os.ReadFile(filepath.Join(s.node.Root(), unitsDir, name))
	if err != nil {
		return fmt.Errorf("reading a unit: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		words := strings.Fields(strings.TrimLeft(value, "+-@:!"))
		switch key {
		case "ExecStartPre":
			if _, err := s.node.Run(ctx, words[0], words[1:]...); err != nil {
				return fmt.Errorf("starting %s: %w", name, err)
			}
		case "ExecStart":
			_, err := s.node.Start(name, words[0], words[1:]...)
			return err
		}
	}
	return fmt.Errorf("starting %s: it has no ExecStart", name)
}

// stop sends SIGTERM to all processes of a unit, and SIGKILL to those that are left after 5 seconds. The program that leads onto
// the node is not one of them: it ends with the last of them.
func (s *systemd) stop(name string) error {
	process := s.node.Process(name)
	if process == nil {
		return nil
	}
	for _, pid := range descendants(process.PID()) {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stopping %s on %s: %w", name, s.node.Name, err)
		}
	}
	select {
	case <-process.Exited():
		return nil
	case <-time.After(5 * time.Second):
		return process.Kill()
	}
}

// runs tells whether a unit runs.
func (s *systemd) runs(name string) bool {
	process := s.node.Process(name)
	if process == nil {
		return false
	}
	select {
	case <-process.Exited():
		return false
	default:
		return true
	}
}

// descendants are the children of a process, their children, and so on.
func descendants(pid int) (pids []int) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // it has ended
	}
	for word := range strings.FieldsSeq(string(children)) {
		if child, err := strconv.Atoi(word); err == nil {
			pids = append(append(pids, child), descendants(child)...)
		}
	}
	return pids
}
