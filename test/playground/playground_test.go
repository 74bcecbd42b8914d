//go:build e2e

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tool"
)

// TestUpAndDown does what a user does: two playgrounds side by side, one of which is stopped, and one of which is killed. Nothing
// is left of either.
func TestUpAndDown(t *testing.T) {
	u := newUser(t)
	before := machine(t)
	one, two := fmt.Sprintf("one-%d", os.Getpid()), fmt.Sprintf("two-%d", os.Getpid())
	var group sync.WaitGroup
	for _, name := range []string{one, two} {
		group.Go(func() {
			start := time.Now()
			said := u.run("up", "-name", name)
			t.Logf("%s was up after %s", name, time.Since(start).Round(100*time.Millisecond))
			for _, want := range []string{"export KUBECONFIG=", "make cluster-down NAME=" + name} {
				if !strings.Contains(said, want) {
					t.Errorf("up says nothing of %q:\n%s", want, said)
				}
			}
		})
	}
	group.Wait()
	t.Cleanup(func() {
		u.run("down", "-name", one)
		u.run("down", "-name", two)
	})
	if t.Failed() {
		t.FailNow()
	}
	u.pullThrough(one)
	if got, err := u.try("up", "-name", one); err == nil || !strings.Contains(got, "runs already") {
		t.Errorf("up of what is up says %q, %v", got, err)
	}
	_, members := u.members(one)
	u.run("down", "-name", one)
	u.expectGone(members)
	u.kubectl(two, "wait", "--for=condition=Ready", "node/node-0", "--timeout=30s")

	u.kill(two)
	u.run("up", "-name", two) // sweeps
	u.kubectl(two, "wait", "--for=condition=Ready", "node/node-0", "--timeout=30s")
	u.run("down", "-name", two)
	if got := u.run("down", "-name", two); !strings.Contains(got, "does not run") {
		t.Errorf("down of what is down says %q", got)
	}
	compare(t, before, machine(t))
}

// user runs the program at the repository's root.
type user struct {
	t       *testing.T
	program string
}

func newUser(t *testing.T) *user {
	t.Helper()
	program := filepath.Join(t.TempDir(), "playground")
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v: %s", err, output)
	}
	return &user{t, program}
}

func (u *user) try(args ...string) (string, error) {
	command := exec.Command(u.program, args...)
	command.Dir = tool.Root(u.t)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	return output.String(), err
}

func (u *user) run(args ...string) string {
	u.t.Helper()
	output, err := u.try(args...)
	if err != nil {
		u.t.Errorf("playground %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return output
}

// kubectl uses the kubeconfig of a playground.
func (u *user) kubectl(name string, args ...string) {
	u.t.Helper()
	command := exec.Command(tool.Path(u.t, "kubectl"), args...)
	command.Dir = tool.Root(u.t)
	command.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(command.Dir, "bin/playground", name, "kubeconfig"))
	output, err := command.CombinedOutput()
	if err != nil {
		u.t.Errorf("kubectl %s: %v: %s", strings.Join(args, " "), err, output)
	}
}

// pullThrough does what up says one could try, and looks into the log of requests.
func (u *user) pullThrough(name string) {
	u.kubectl(name, "apply", "-k", "overlays/standalone")
	u.kubectl(name, "-n", "registry-cache", "rollout", "status", "statefulset/registry-docker-io", "--timeout=60s")
	u.kubectl(name, "run", "first", "--image=docker.io/library/app:1")
	u.kubectl(name, "wait", "--for=condition=Ready", "pod/first", "--timeout=60s")
	log, err := os.ReadFile(filepath.Join(tool.Root(u.t), "bin/playground", name, "requests.log"))
	if err != nil {
		u.t.Fatal(err)
	}
	if !regexp.MustCompile(`https://registry-1\.docker\.io +10\.8\d\.\S+ +GET +200 /v2/library/app/blobs/`).Match(log) {
		u.t.Errorf("the log of requests does not have the pull:\n%s", log)
	}
}

// kill kills the process of a playground, which has no time to tidy up.
func (u *user) kill(name string) {
	u.t.Helper()
	pid, members := u.members(name)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		u.t.Fatal(err)
	}
	u.expectGone(members)
}

// members returns the process of a playground and those of its cluster.
func (u *user) members(name string) (pid int, members []string) {
	u.t.Helper()
	pid, err := playgroundAt(tool.Root(u.t), name)
	if err != nil || pid == 0 {
		u.t.Fatalf("finding the process of %s: %d, %v", name, pid, err)
	}
	if members = processes(u.t, pid); len(members) < 8 {
		u.t.Fatalf("a cluster has but these processes: %q", members)
	}
	return pid, members
}

// expectGone waits until processes have ended.
func (u *user) expectGone(members []string) {
	u.t.Helper()
	for start := time.Now(); len(members) > 0; time.Sleep(100 * time.Millisecond) {
		members = slices.DeleteFunc(members, func(process string) bool {
			_, err := os.Stat("/proc/" + process)
			return err != nil
		})
		if time.Since(start) > 20*time.Second {
			u.t.Fatalf("processes outlive their playground: %q", members)
		}
	}
}

// playgroundAt reads the id that up wrote.
func playgroundAt(root, name string) (pid int, err error) {
	text, err := os.ReadFile(filepath.Join(root, "bin/playground", name, "pid"))
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(string(text), &pid)
	return pid, err
}

// processes lists those of a playground's cluster: whoever is in one of its network namespaces or in one of its control groups.
func processes(t *testing.T, playground int) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	namespaces := map[string]bool{}
	for _, process := range all {
		status, _ := os.ReadFile(process + "/status") // it may have ended
		network, _ := os.Readlink(process + "/ns/net")
		if strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", playground)) && network != own {
			namespaces[network] = true
		}
	}
	for _, process := range all {
		groups, _ := os.ReadFile(process + "/cgroup")
		network, _ := os.Readlink(process + "/ns/net")
		if namespaces[network] || strings.Contains(string(groups), fmt.Sprintf("/registry-cache-cluster-%d-", playground)) {
			found = append(found, filepath.Base(process))
		}
	}
	return found
}

// machine is what a cluster could leave behind on the machine.
func machine(t *testing.T) map[string]string {
	t.Helper()
	state := map[string]string{}
	for what, command := range map[string][]string{
		"links": {"ip", "-o", "link"}, "rules": {"iptables-save"}, "namespaces": {"ip", "netns"}, "mounts": {"cat", "/proc/mounts"},
		"kernel": {
			"head", "/proc/sys/kernel/panic", "/proc/sys/kernel/panic_on_oops", "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/panic_on_oom",
			"/proc/sys/net/ipv4/ip_forward",
		},
	} {
		output, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			t.Fatalf("%v: %v", command, err)
		}
		state[what] = string(output)
	}
	for what, pattern := range map[string]string{
		"folders": filepath.Join(os.TempDir(), "registry-cache-cluster-*"), "control groups": "/sys/fs/cgroup/*/registry-cache-cluster-*",
	} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		state[what] = strings.Join(slices.DeleteFunc(paths, inUse), "\n")
	}
	return state
}

// inUse tells whether a folder or a control group is that of a process that runs: of another test.
func inUse(path string) bool {
	var pid int
	if _, err := fmt.Sscanf(filepath.Base(path), "registry-cache-cluster-%d-", &pid); err != nil {
		return false
	}
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return err == nil
}

func compare(t *testing.T, before, after map[string]string) {
	t.Helper()
	for what, was := range before {
		if after[what] != was {
			t.Errorf("%s before:\n%s\nand after:\n%s", what, was, after[what])
		}
	}
}
