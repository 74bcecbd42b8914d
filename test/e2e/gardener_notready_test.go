//go:build e2e

package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
	"github.com/registry-cache/registry-cache/test/registries"
)

// TestGardenerNodeNotReady: of two nodes one is cut off from the shoot while a cache is removed, where neither the cleaner nor the
// gardener-node-agent can do anything. The removal does not wait for it and names it, its guard withdraws the cache by itself, and
// when it is back nothing of ours names that cache any more.
func TestGardenerNodeNotReady(t *testing.T) {
	g := newGardener(t, options{})
	quay, err := g.Internet().StartRegistry("https://quay.io", registries.UpstreamOptions{})
	g.must(err)
	hubImage, quayImage := g.pushHub("library/app:1"), "quay.io/org/app:1"
	g.push(quay, "org/app:1")
	g.configure(registryConfig(plainCache("docker.io"), plainCache("quay.io")))
	g.expectHosts([]string{"docker.io", "quay.io"}) // so both caches run on the first node
	cut := g.addNode()
	g.expectHosts([]string{"docker.io", "quay.io"}, cut)
	g.expectThrough(quay, "quay-io", quayImage, cut)

	g.must(cut.Kill(cluster.Kubelet))
	took := g.eventually(2*time.Minute, cut.Name+" is not Ready", func() error {
		ready, err := cut.Ready(g.ctx)
		if err == nil && ready {
			err = errors.New("it is")
		}
		return err
	})
	t.Logf("%s was not Ready after %s", cut.Name, rounded(took))

	moment := g.now()
	took = g.reconcile(registryConfig(plainCache("docker.io")))
	t.Logf("remove: the Extension took %s while a node was not Ready", rounded(took))
	if took > 60*time.Second {
		t.Errorf("the removal took %s, want less than the 60 s for which a node that is Ready is waited for", took)
	}
	g.expectHosts([]string{"docker.io"}, g.node)
	g.expectCleanedBefore(g.removalSince(moment), []*cluster.Node{g.node}, "registry-quay-io")
	g.expectEvent("NodesNotCleaned", "quay.io taken off 1 node(s)", "not off the nodes "+cut.Name+",")
	g.roll(g.node)
	g.expectHosts([]string{"docker.io"}, g.node)

	t.Logf("the guard of %s withdrew the cache %s later", cut.Name, rounded(g.awaitDirect(cut, "quay.io")))
	if hosts := g.hosts(cut, "docker.io"); !livecluster.NamesCache(hosts) {
		t.Errorf("hosts.toml of docker.io on %s is %q although its cache is there", cut.Name, hosts)
	}
	g.expectDirectly(quay, quayImage)
	g.hub.Reset()
	g.pull(hubImage, cut)
	g.expectPulledThrough(g.hub)

	g.must(cut.Reboot(g.ctx))
	g.must(g.agents[cut.Name].systemd.boot(g.ctx)) // with the guard's old list
	g.eventually(time.Minute, cut.Name+" is Ready again", func() error {
		ready, err := cut.Ready(g.ctx)
		if err == nil && !ready {
			err = errors.New("it is not")
		}
		return err
	})
	g.awaitUse(cut, "docker.io")
	if hosts := g.hosts(cut, "quay.io"); livecluster.NamesCache(hosts) {
		t.Errorf("hosts.toml of quay.io on %s, which is back, is %q", cut.Name, hosts)
	}
	g.roll()
	g.expectHosts([]string{"docker.io"})
	if arguments := g.guardArguments(cut); strings.Contains(arguments, "quay.io") {
		t.Errorf("the guard of %s still knows of quay.io: %s", cut.Name, arguments)
	}
	g.expectDirectly(quay, quayImage)
}
