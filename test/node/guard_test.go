//go:build node

package node

import (
	"strings"
	"syscall"
	"time"
)

// The figures that the guard promises.
const (
	startLimit      = 2 * time.Second  // from the first answer to a usable file, at start
	withdrawalLimit = 15 * time.Second // from the death of a cache
	returnLimit     = 15 * time.Second // from the return of a cache to its use
	repairLimit     = 2 * time.Second  // until a file that somebody changed is right again
	stopLimit       = 5 * time.Second
	// fast is what a pull takes at most that waits for no dead address, on a busy machine.
	fast = 5 * time.Second
)

// guard is the running script.
type guard struct {
	*process
	w *world
}

// startGuard starts the guard on the node under dash, with options and registries.
func (w *world) startGuard(args ...string) *guard {
	w.t.Helper()
	return w.startGuardIn([]string{"dash"}, nil, args...)
}

// startGuardIn starts the guard under any shell and environment.
func (w *world) startGuardIn(shell, env []string, args ...string) *guard {
	w.t.Helper()
	command := append(append([]string{}, shell...), script(w.t, "configure-containerd-registries.sh"), "--certs-dir", w.certs, "--state-dir", w.state)
	g := &guard{process: w.start(w.node, env, append(command, args...)...), w: w}
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the guard's log:\n%s", g.log.String())
		}
	})
	return g
}

// stop ends the guard as systemd does.
func (g *guard) stop() {
	g.w.t.Helper()
	g.signalAll(g.w.t, syscall.SIGTERM)
	if took := g.wait(g.w.t, stopLimit+time.Second); took > stopLimit {
		g.w.t.Errorf("the guard took %s to stop, want at most %s", took, stopLimit)
	}
}

// uses says whether the hosts.toml of an upstream names an endpoint.
func (w *world) uses(upstream, endpoint string) bool {
	return strings.Contains(w.readHosts(upstream), `[host."`+endpoint+`"]`)
}

// direct says whether no cache is named for an upstream.
func (w *world) direct(u *upstream) bool {
	content := w.readHosts(u.name)
	return content == "" || strings.Count(content, "[host.") == 1 && strings.Contains(content, `[host."`+u.url+`"]`)
}

// waitForUse waits until containerd is told to use the cache.
func (c *cache) waitForUse(limit time.Duration) time.Duration {
	c.w.t.Helper()
	return eventually(c.w.t, limit, "hosts.toml names "+c.endpoint, func() bool { return c.w.uses(c.upstream.name, c.endpoint) })
}

// waitForWithdrawal waits until containerd is told to ask the upstream itself.
func (c *cache) waitForWithdrawal(limit time.Duration) time.Duration {
	c.w.t.Helper()
	return eventually(c.w.t, limit, "hosts.toml is direct", func() bool { return c.w.direct(c.upstream) })
}
