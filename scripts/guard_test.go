//go:build node

package scripts_test

import (
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/tree"
)

func TestGuardUsesACacheOnceItAnswers(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		n.start("docker.io," + c.url() + "," + hub)
		n.stays(tree.Tree{}, 3*time.Second) // not even an empty directory, which would hide _default
		c.up()
		took := n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 2*time.Second)
		t.Logf("from the first answer to a usable hosts.toml: %s", took)
		time.Sleep(500 * time.Millisecond) // the log comes after the file
		if n.count("docker.io: uses "+c.url()) != 1 {
			t.Errorf("the change must be logged once, got:\n%s", n.log)
		}
	})
}

func TestGuardWithdrawsACacheThatIsGoneAndUsesItAgain(t *testing.T) {
	for _, test := range []struct {
		name        string
		goes, comes func(*cache)
	}{
		{"refuses connections", (*cache).down, (*cache).up},
		{"accepts and never answers", func(c *cache) { c.stall.Store(true) }, func(c *cache) { c.stall.Store(false) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			underEachShell(t, func(t *testing.T, n *node) {
				c := newCache(t, "127.0.0.1")
				c.up()
				n.start("docker.io," + c.url() + "," + hub)
				used := tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}
				n.waitFor(used, 3*time.Second)
				test.goes(c)
				t.Logf("withdrawn after %s", n.waitFor(tree.Tree{"docker.io/hosts.toml": direct(hub)}, 15*time.Second))
				test.comes(c)
				t.Logf("used again after %s", n.waitFor(used, 15*time.Second))
				time.Sleep(500 * time.Millisecond) // the log and the state come after the file
				if n.count("docker.io: direct") != 1 || n.count("docker.io: uses") != 2 {
					t.Errorf("each change must be logged once, got:\n%s", n.log)
				}
				if state := tree.Read(t, n.state)["state"]; !strings.Contains(state, "docker.io state=in-use since=2") ||
					!strings.Contains(state, " withdrawals=1 endpoint="+c.url()+"\n") {
					t.Errorf("the state must tell that it is in use and was withdrawn once, got %s", state)
				}
			})
		})
	}
}

func TestGuardTakesAnyStatusForAnAnswer(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		want, args := tree.Tree{}, []string{}
		for _, status := range []int{http.StatusInternalServerError, http.StatusUnauthorized, http.StatusTemporaryRedirect, http.StatusNotFound} {
			c := newCache(t, "127.0.0.1")
			c.status.Store(int64(status))
			c.up()
			upstream := fmt.Sprintf("s%d.io", status)
			args = append(args, upstream+","+c.url()+",https://"+upstream)
			want[upstream+"/hosts.toml"] = inUse("https://"+upstream, c.url())
		}
		n.start(args...)
		n.waitFor(want, 3*time.Second)
	})
}

func TestGuardGoesDirectToAServerThatContainerdWouldNotGuess(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		n.start("docker.io,"+c.url()+",https://mirror.gcr.io", "r.io:5000,"+c.url()+",http://r.io:5000", "quay.io,"+c.url()+",https://quay.io")
		want := tree.Tree{"docker.io/hosts.toml": direct("https://mirror.gcr.io"), "r.io:5000/hosts.toml": direct("http://r.io:5000")}
		n.waitFor(want, 3*time.Second)
		n.stays(want, 2*time.Second)
	})
}

func TestGuardIPv6(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "::1")
		c.up()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
	})
}

// TestGuardFollowsAName: containerd on a node cannot look up a Service's name, so it is given the address.
func TestGuardFollowsAName(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		_, port, _ := strings.Cut(c.addr, ":")
		n.start("docker.io,http://localhost:" + port + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
	})
}

func TestGuardLeavesForeignFilesAlone(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		n.write("docker.io/hosts.toml", theirs)
		n.start("docker.io," + c.url() + "," + hub)
		foreign := tree.Tree{"docker.io/hosts.toml": theirs}
		n.stays(foreign, 4*time.Second)
		if n.count("not ours, left alone") != 1 {
			t.Errorf("it must be said once, got:\n%s", n.log)
		}
		c.down()
		n.stays(foreign, time.Second)
		c.up()
		// Ownership is not remembered: once it is gone, ours comes.
		removeAll(t, n.certs+"/docker.io")
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 15*time.Second)
		n.write("docker.io/hosts.toml", theirs)
		n.stays(foreign, 2*time.Second)
		n.signal(syscall.SIGTERM, 5*time.Second)
		n.stays(foreign, 100*time.Millisecond)
	})
}

// TestGuardSeesADirectoryRemoved plays gardener-node-agent, which deletes directories while a landscape is taken over.
func TestGuardSeesADirectoryRemoved(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		n.write("docker.io/hosts.toml", "# managed by gardener-node-agent\n"+theirs)
		n.start("docker.io," + c.url() + "," + hub)
		used := tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}
		for i := range 6 {
			removeAll(t, n.certs+"/docker.io")
			within := 2 * time.Second
			if i == 0 {
				within = 4 * time.Second // it may not have been probed yet
			}
			n.waitFor(used, within)
			c.stall.Store(i >= 2) // a round of probes that hang must not keep it from looking
			time.Sleep(time.Duration(i) * 300 * time.Millisecond)
		}
	})
}

func TestGuardTakesOverAndRemoves(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		tree.Write(t, n.certs, tree.Tree{
			"docker.io/hosts.toml": legacy, "gone.io/hosts.toml": legacy, "old.io/hosts.toml": inUse("https://old.io", "http://10.0.0.1:5000"),
			"old.io/registry-cache-ca-0123.pem": "x", "foreign.io/hosts.toml": theirs, "_default/hosts.toml": theirs,
			"kept.io/hosts.toml": inUse("https://kept.io", "http://10.0.0.1:5000"), "kept.io/notes": "mine",
		})
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{
			"docker.io/hosts.toml": inUse(hub, c.url()), "foreign.io/hosts.toml": theirs, "_default/hosts.toml": theirs, "kept.io/notes": "mine",
		}, 3*time.Second)
	})
}

// TestGuardKeepsAUsedFileUntilItKnowsBetter: a guard that restarts beside a healthy cache must not disturb.
func TestGuardKeepsAUsedFileUntilItKnowsBetter(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		used := tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}
		tree.Write(t, n.certs, used)
		n.start("docker.io," + c.url() + "," + hub)
		n.stays(used, 3*time.Second)
		n.signal(syscall.SIGKILL, time.Second)
		c.down()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": direct(hub)}, 5*time.Second)
	})
}

func TestGuardStops(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c, hanging := newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
		c.up()
		hanging.up()
		hanging.stall.Store(true)
		n.write("foreign.io/hosts.toml", theirs)
		n.start("docker.io,"+c.url()+","+hub, "quay.io,"+hanging.url()+",https://quay.io", "foreign.io,"+c.url()+",https://foreign.io")
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url()), "foreign.io/hosts.toml": theirs}, 4*time.Second)
		start := time.Now()
		n.signal(syscall.SIGTERM, 5*time.Second)
		t.Logf("stopped after %s", time.Since(start))
		n.stays(tree.Tree{"docker.io/hosts.toml": direct(hub), "foreign.io/hosts.toml": theirs}, 500*time.Millisecond)
	})
}

// TestGuardIgnoresProxies: a probe through a proxy would say that the proxy answers.
func TestGuardIgnoresProxies(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		proxy, c := newCache(t, "127.0.0.1"), newCache(t, "127.0.0.1")
		proxy.up()
		for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
			n.env = append(n.env, name+"="+proxy.url())
		}
		n.start("docker.io," + c.url() + "," + hub)
		n.stays(tree.Tree{}, 3*time.Second)
		c.up()
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 2*time.Second)
		if proxy.probes.Load() > 0 {
			t.Errorf("the proxy was asked %d times", proxy.probes.Load())
		}
	})
}

// TestGuardProbesRarely: while all is well, one probe per registry per 8 s at the most.
func TestGuardProbesRarely(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		c := newCache(t, "127.0.0.1")
		c.up()
		n.start("docker.io," + c.url() + "," + hub)
		n.waitFor(tree.Tree{"docker.io/hosts.toml": inUse(hub, c.url())}, 3*time.Second)
		time.Sleep(time.Second)
		before := c.probes.Load()
		time.Sleep(24 * time.Second)
		if probes := c.probes.Load() - before; probes < 2 || probes > 3 {
			t.Errorf("got %d probes in 24 s, want 2 or 3", probes)
		}
		if lines := strings.Count(n.log.String(), "\n"); lines != 1 {
			t.Errorf("it must log changes and not probes, got:\n%s", n.log)
		}
	})
}

func TestGuardTwentyRegistries(t *testing.T) {
	underEachShell(t, func(t *testing.T, n *node) {
		want, args := tree.Tree{}, []string{}
		for i := range 20 {
			c := newCache(t, "127.0.0.1")
			upstream := fmt.Sprintf("r%d.io", i)
			args = append(args, upstream+","+c.url()+",https://"+upstream)
			switch i % 4 {
			case 0:
				c.up()
				c.stall.Store(true)
			case 1:
			default:
				c.up()
				want[upstream+"/hosts.toml"] = inUse("https://"+upstream, c.url())
			}
		}
		n.start(args...)
		n.waitFor(want, 4*time.Second)
		n.stays(want, 3*time.Second)
	})
}
