//go:build node

package node

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/registry-cache/registry-cache/test/registries"
)

// packages are Debian's packages by the program that shows that one is installed.
var packages = []struct{ program, name string }{
	{"/usr/bin/containerd", "containerd"}, {"/usr/bin/ctr", "containerd"}, {"ip", "iproute2"}, {"curl", "curl"},
	{"wget", "wget"}, {"busybox", "busybox"}, {"dash", "dash"}, {"bash", "bash"}, {"mount", "mount"},
}

func TestMain(m *testing.M) {
	registries.ServeIfAsked()
	flag.Parse()
	if problem := missing(); problem != "" {
		fmt.Fprintln(os.Stderr, "the tests of the node need "+problem)
		os.Exit(1)
	}
	if err := sweep(); err != nil {
		fmt.Fprintln(os.Stderr, "removing what a killed run left:", err)
		os.Exit(1)
	}
	code := m.Run()
	if *figures {
		fmt.Println("\n" + strings.Join(reported.lines, "\n"))
	}
	os.Exit(code)
}

// missing says what this machine lacks.
func missing() string {
	if os.Geteuid() != 0 {
		return "root, for network namespaces and containerd"
	}
	var names []string
	for _, p := range packages {
		if _, err := exec.LookPath(p.program); err != nil {
			names = append(names, p.name)
		}
	}
	if names != nil {
		return "packages: apt-get install " + strings.Join(names, " ")
	}
	return ""
}

// sweep removes what a run left that was killed: processes in its namespaces, the namespaces, mounts and folders. A run
// whose process lives is left alone.
func sweep() error {
	names, err := filepath.Glob("/run/netns/" + prefix + "-*")
	if err != nil {
		return err
	}
	for _, path := range names {
		name := filepath.Base(path)
		if alive(name) {
			continue
		}
		if err := killAllIn(name); err != nil {
			return err
		}
		if output, err := exec.Command("ip", "netns", "del", name).CombinedOutput(); err != nil {
			return fmt.Errorf("deleting namespace %s: %w: %s", name, err, output)
		}
	}
	folders, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"-*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if alive(filepath.Base(folder)) {
			continue
		}
		_ = syscall.Unmount(folder+"/small", syscall.MNT_DETACH) // the only mount that is not in a namespace
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

// killAllIn kills what still runs in a network namespace of ours.
func killAllIn(name string) error {
	output, err := exec.Command("ip", "netns", "pids", name).Output()
	if err != nil {
		return fmt.Errorf("listing processes in %s: %w", name, err)
	}
	for field := range strings.FieldsSeq(string(output)) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
	return nil
}

// alive says whether the process lives that made something of this name.
func alive(name string) bool {
	var pid int
	if _, err := fmt.Sscanf(name, prefix+"-%d-", &pid); err != nil {
		return true // not ours
	}
	return syscall.Kill(pid, 0) == nil
}
