//go:build integration

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// dieVariable makes this test binary start a cluster, print the ids of its processes and kill itself.
const dieVariable = "CLUSTER_TEST_DIES"

var programs = []string{cluster.Etcd, cluster.APIServer, cluster.ControllerManager, cluster.ResourceManager}

// TestStop shows that nothing is left of a cluster that was stopped, and that stopping it again does no harm.
func TestStop(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(deadline(t), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, c)
	folder := filepath.Dir(c.Kubeconfig())
	for _, name := range programs {
		if pid := c.Process(name).PID(); !alive(pid) {
			t.Errorf("%s does not run: %s", name, c.Logs(name))
		}
	}
	stop(t, c)
	for _, name := range programs {
		if alive(c.Process(name).PID()) {
			t.Errorf("%s still runs", name)
		}
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("looking for the cluster's folder: %v, want that it is gone", err)
	}
}

// TestDeath shows that a cluster dies with the process that started it, even if that was killed.
func TestDeath(t *testing.T) {
	t.Parallel()
	// Orphans become children of this process, which then can see them end.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(deadline(t), os.Args[0])
	command.Env = append(os.Environ(), dieVariable+"=1", "TMPDIR="+t.TempDir())
	output, err := command.Output()
	if err == nil {
		t.Fatal("the process that was to kill itself ended well")
	}
	pids := strings.Fields(string(output))
	if len(pids) != len(programs) {
		t.Fatalf("the process that was to kill itself printed %q, want %d process ids", output, len(programs))
	}
	for _, text := range pids {
		pid, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		eventually(deadline(t), t, func() error { return reap(pid) })
	}
}

// reap returns an error as long as a child of this process has not been killed.
func reap(pid int) error {
	var status unix.WaitStatus
	ended, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
	if errors.Is(err, unix.ECHILD) && !alive(pid) {
		return nil // somebody else has seen it end: init, or the kernel if this process was started to ignore its children
	}
	if err != nil {
		return fmt.Errorf("waiting for process %d: %w", pid, err)
	}
	if ended != pid || status.Signal() != unix.SIGKILL {
		return fmt.Errorf("process %d outlives the one that started it, or was not killed", pid)
	}
	return nil
}

// startAndDie is what TestDeath runs in a process of its own.
func startAndDie() {
	c, err := cluster.Start(context.Background(), cluster.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, name := range programs {
		fmt.Println(c.Process(name).PID())
	}
	_ = unix.Kill(os.Getpid(), unix.SIGKILL) // the process does not get beyond this
}

// alive says whether there is a process with an id.
func alive(pid int) bool {
	return unix.Kill(pid, 0) == nil
}
