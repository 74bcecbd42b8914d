//go:build node

package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A guard that is told to stop leaves a node that does not depend on a cache, whether the signal goes to the whole unit,
// as systemd sends it, or to the script alone, as a container runtime does.
func TestGuardEndedBySIGTERM(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		for range 2 {
			guard := w.startGuard(cache.registry())
			cache.waitForUse(startLimit)
			guard.signal(w.t, syscall.SIGTERM)
			if took := guard.wait(w.t, 2*stopLimit); took > stopLimit {
				w.t.Errorf("stopping took %s", took)
			}
			c.expectDirect(hub, image)

			guard = w.startGuard(cache.registry())
			cache.waitForUse(startLimit)
			guard.stop()
			c.expectDirect(hub, image)
		}
	})
}

// The same while a probe hangs in a dead cache.
func TestGuardEndedBySIGTERMInAProbe(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		hub, cache, image := w.startHubAndCache()
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		cache.process.signal(w.t, syscall.SIGSTOP)
		eventually(w.t, withdrawalLimit, "a probe runs", func() bool { return w.probing(guard) })
		guard.signal(w.t, syscall.SIGTERM)
		if took := guard.wait(w.t, 2*stopLimit); took > stopLimit {
			w.t.Errorf("stopping took %s", took)
		}
		c.expectDirect(hub, image)
	})
}

// probing says whether a curl of the guard runs.
func (w *world) probing(g *guard) bool {
	programs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range programs {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // has ended
		}
		var parent, group int
		var state string
		_, rest, _ := strings.Cut(string(content), "(curl) ")
		if _, err := fmt.Sscan(rest, &state, &parent, &group); err == nil && group == g.cmd.Process.Pid {
			return true
		}
	}
	return false
}

// killers are programs in place of mv, with which the guard finishes each write of a file. They kill the guard at one step.
var killers = map[string]string{
	"before the rename": "#!/bin/sh\nkill -9 $PPID\n",
	"after the rename":  "#!/bin/sh\n/bin/mv \"$@\"\nkill -9 $PPID\n",
}

// Whatever step of a write the guard is killed at, containerd finds the old file or the new one, and the next guard goes
// on from there.
func TestGuardKilledAtEveryStepOfAWrite(t *testing.T) {
	eachContainerd(t, func(w *world, c *containerd) {
		_, cache, image := w.startHubAndCache()
		before := w.readHosts(dockerHub)
		guard := w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		after := w.readHosts(dockerHub)
		guard.stop()
		direct := w.readHosts(dockerHub)
		whole := func() {
			w.t.Helper()
			if now := w.readHosts(dockerHub); now != before && now != after && now != direct {
				w.t.Fatalf("the file is torn: %q", now)
			}
		}

		for step, script := range killers {
			bin := filepath.Join(w.dir, strings.ReplaceAll(step, " ", "-"))
			if err := os.Mkdir(bin, 0o755); err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(bin+"/mv", []byte(script), 0o755); err != nil {
				w.t.Fatal(err)
			}
			guard := w.startGuardIn([]string{"dash"}, []string{"PATH=" + bin + ":/usr/bin:/bin"}, cache.registry())
			guard.wait(w.t, 5*time.Second)
			whole()
			c.pullWithin(image, fast)
		}
		for delay := time.Duration(0); delay < 250*time.Millisecond; delay += 5 * time.Millisecond {
			if delay%(50*time.Millisecond) == 0 {
				_ = os.RemoveAll(w.certs)
			}
			guard := w.startGuard(cache.registry())
			time.Sleep(delay)
			guard.kill()
			whole()
		}
		c.pullWithin(image, fast)

		w.startGuard(cache.registry())
		cache.waitForUse(startLimit)
		c.expectCached(cache, image)
		w.expectFiles("hosts.toml")
	})
}

// expectFiles fails unless the folder of docker.io has exactly these files.
func (w *world) expectFiles(want ...string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.certs + "/" + dockerHub)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		w.t.Errorf("files are %q, want %q", got, want)
	}
}
