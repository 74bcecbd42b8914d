//go:build node

package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	costRegistries = 5
	costWindow     = 40 * time.Second
	// cpuLimit is the part of one core that a guard may take, and wgetLimit that of one that starts a wget per registry.
	cpuLimit, wgetLimit = 0.005, 0.01
	// probeInterval is the least time between two probes of a registry while all is well.
	probeInterval = 8 * time.Second
	// ticks is what /proc counts time in on every Linux that Go runs on.
	ticks = 100
)

// shells are what a node may have.
var shells = []struct {
	name  string
	shell []string
	path  func(w *world) string
	limit float64
}{
	{"dash with curl", []string{"/bin/dash"}, usualPath, cpuLimit},
	{"bash with curl", []string{"/bin/bash"}, usualPath, cpuLimit},
	{"busybox ash with curl", []string{"/bin/busybox", "ash"}, usualPath, cpuLimit},
	{"bash with GNU wget", []string{"/bin/bash"}, (*world).pathWithoutCurl, wgetLimit},
	{"busybox ash with its own wget", []string{"/bin/busybox", "ash"}, (*world).busyboxPath, wgetLimit},
}

func usualPath(*world) string { return "/usr/bin:/bin" }

// pathWithoutCurl makes a folder with links to all programs but curl.
func (w *world) pathWithoutCurl() string {
	w.t.Helper()
	bin := w.makeBin()
	programs, err := filepath.Glob("/usr/bin/*")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, program := range programs {
		if filepath.Base(program) == "curl" {
			continue
		}
		if err := os.Symlink(program, filepath.Join(bin, filepath.Base(program))); err != nil {
			w.t.Fatal(err)
		}
	}
	return bin
}

// busyboxPath makes a folder with busybox for all programs.
func (w *world) busyboxPath() string {
	w.t.Helper()
	bin := w.makeBin()
	if output, err := exec.Command("/bin/busybox", "--install", "-s", bin).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, output)
	}
	return bin
}

func (w *world) makeBin() string {
	w.t.Helper()
	bin := filepath.Join(w.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		w.t.Fatal(err)
	}
	return bin
}

// The guard costs next to nothing while all is well, under every shell, and asks each cache rarely. The shells are measured
// at the same time, but before all that is parallel.
func TestGuardCost(t *testing.T) {
	report("\n| guard of %d registries under | part of one core | probes per registry and minute |\n|---|---|---|", costRegistries)
	t.Run("under", func(t *testing.T) {
		for _, s := range shells {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				part, rate := measureCost(w, s.shell, s.path(w))
				if part > s.limit {
					t.Errorf("the guard takes %.2f %% of a core, want at most %.2f %%", 100*part, 100*s.limit)
				}
				t.Logf("%.2f %% of a core, %.1f probes per registry and minute", 100*part, rate)
				report("| %s | %.2f %% | %.1f |", s.name, 100*part, rate)
			})
		}
	})
}

// measureCost runs a guard with some registries, that are all well, and returns the part of a core that it takes and how
// often it probes each registry in a minute.
func measureCost(w *world, shell []string, path string) (part, rate float64) {
	t := w.t
	hub, cache, _ := w.startHubAndCache()
	cache.listenEverywhere()
	var arguments []string
	for i := range costRegistries {
		address := fmt.Sprintf("10.79.1.%d", i)
		w.addAddress(address)
		arguments = append(arguments, registryArgument(fmt.Sprintf("r%d.test", i), "http://"+address+":5000", hub.url))
	}
	guard := w.startGuardIn(shell, []string{"PATH=" + path}, arguments...)
	last := strings.Split(arguments[costRegistries-1], ",")
	eventually(t, startLimit, "the last registry is used", func() bool { return w.uses(last[0], last[1]) })

	before := cpuTime(t, guard.cmd.Process.Pid)
	cache.reset()
	time.Sleep(costWindow)
	part = (cpuTime(t, guard.cmd.Process.Pid) - before).Seconds() / costWindow.Seconds()
	return part, cache.expectRareProbes(costRegistries)
}

// cpuTime returns what a process and its children that ended have used.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(content[strings.LastIndex(string(content), ")")+1:]))
	var sum int
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		var value int
		if _, err := fmt.Sscan(field, &value); err != nil {
			t.Fatal(err)
		}
		sum += value
	}
	return time.Duration(sum) * time.Second / ticks
}

// completed finds time and host of a request in the registry's log.
var completed = regexp.MustCompile(`time="?([^" ]+)"? .*msg="?response completed"? .*http\.request\.host="?([^" ]+)"? .*http\.request\.uri="?/v2/"? `)

// expectRareProbes fails if a registry was probed twice within the interval, and returns the probes per registry and
// minute.
func (c *cache) expectRareProbes(registries int) float64 {
	c.w.t.Helper()
	last := map[string]time.Time{}
	count := 0
	for line := range strings.Lines(c.process.log.String()[c.seen:]) {
		match := completed.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, match[1])
		if err != nil {
			c.w.t.Fatal(err)
		}
		if before, found := last[match[2]]; found && at.Sub(before) < probeInterval {
			c.w.t.Errorf("%s was probed twice within %s", match[2], at.Sub(before))
		}
		last[match[2]] = at
		count++
	}
	if len(last) != registries {
		c.w.t.Errorf("%d registries were probed, want %d:\n%s", len(last), registries, c.process.log.String()[c.seen:])
	}
	return float64(count) / float64(registries) / costWindow.Minutes()
}
