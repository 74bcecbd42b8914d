//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
	"github.com/registry-cache/registry-cache/test/livecluster"
	"github.com/registry-cache/registry-cache/test/nodeimages"
	"github.com/registry-cache/registry-cache/test/registries"
	"github.com/registry-cache/registry-cache/test/tool"
)

// limit bounds each scenario.
const limit = 8 * time.Minute

// env is a cluster of a test's own, with one node and Docker Hub in its internet.
type env struct {
	t   verdict
	ctx context.Context
	*cluster.Cluster
	hub  *cluster.Registry
	node *cluster.Node // the first
	// seed makes each pushed image another one.
	seed uint64
	// troubles are what containerd may say without failing the test: a pattern per cause that the test made itself.
	troubles []*regexp.Regexp
}

// options say what a test needs beside a node, the cache and the node helper.
type options struct {
	// images are further ones for nodes, by their names in package nodeimages.
	images []string
	// resourceManager starts the gardener-resource-manager.
	resourceManager bool
	// hub is special about Docker Hub.
	hub registries.UpstreamOptions
}

// newEnv starts a cluster, which is stopped when the test ends. Tests run in parallel.
func newEnv(t *testing.T, o options) *env {
	t.Helper()
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	e := &env{t: verdict{t, new([]string)}, ctx: ctx}
	clusterOptions := cluster.Options{
		Nodes: 1, Authority: authority, WithoutResourceManager: !o.resourceManager,
		PauseImage: e.reference(nodeimages.Pause), DNSImage: e.reference(nodeimages.CoreDNS),
	}
	for _, name := range append([]string{nodeimages.Pause, nodeimages.CoreDNS, nodeimages.Cache, nodeimages.NodeHelper}, o.images...) {
		clusterOptions.Archives = append(clusterOptions.Archives, archives[name])
	}
	var err error
	if e.Cluster, err = cluster.Start(ctx, clusterOptions); err != nil {
		e.t.Fatal("starting a cluster:", err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error("stopping the cluster:", err)
		}
	})
	t.Cleanup(e.tellFailure) // runs before
	e.node = e.Nodes()[0]
	e.hub, err = e.Internet().StartRegistry("https://registry-1.docker.io", o.hub)
	e.must(err)
	t.Cleanup(e.checkPulls)
	return e
}

// must fails the test if there is an error.
func (e *env) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// reference is what manifests call an image of nodes.
func (e *env) reference(name string) string {
	e.t.Helper()
	reference, err := nodeimages.Reference(name)
	e.must(err)
	return reference
}

// eventually waits until a condition holds, and returns how long that took. It fails with the last error when the limit is over.
func (e *env) eventually(limit time.Duration, what string, condition func() error) time.Duration {
	e.t.Helper()
	start := time.Now()
	for {
		err := condition()
		if err == nil {
			return time.Since(start)
		}
		if time.Since(start) > limit || e.ctx.Err() != nil {
			e.t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// kubectl runs kubectl as a user does, at the repository's root, and returns what it printed on its standard output.
func (e *env) kubectl(args ...string) string {
	e.t.Helper()
	return e.pipe("", tool.Path(e.t, "kubectl"), args...)
}

// apply applies manifests.
func (e *env) apply(manifests string) {
	e.t.Helper()
	e.pipe(manifests, tool.Path(e.t, "kubectl"), "apply", "-f", "-")
}

// pipe runs a program with an input, and fails the test if the program does.
func (e *env) pipe(input, program string, args ...string) string {
	e.t.Helper()
	output, err := e.tryPipe(input, program, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	return output
}

func (e *env) tryPipe(input, program string, args ...string) (string, error) {
	command := exec.CommandContext(e.ctx, program, args...)
	command.Dir = tool.Root(e.t)
	command.Env = append(tool.Env(e.t), "KUBECONFIG="+e.Kubeconfig())
	command.Stdin = strings.NewReader(input)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return string(output), fmt.Errorf("running %s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, complaints.String())
	}
	return string(output), nil
}

// hosts returns the hosts.toml of an upstream on a node, "" if there is none.
func (e *env) hosts(node *cluster.Node, upstream string) string {
	e.t.Helper()
	content, err := livecluster.Hosts(node, upstream)
	e.must(err)
	return content
}

// awaitUse waits until a node uses the cache of an upstream.
func (e *env) awaitUse(node *cluster.Node, upstream string) time.Duration {
	e.t.Helper()
	return e.eventually(time.Minute, node.Name+" uses the cache of "+upstream, func() error {
		if hosts := e.hosts(node, upstream); !livecluster.NamesCache(hosts) {
			return fmt.Errorf("hosts.toml is %q", hosts)
		}
		return nil
	})
}

// awaitDirect waits until a node pulls an upstream directly.
func (e *env) awaitDirect(node *cluster.Node, upstream string) time.Duration {
	e.t.Helper()
	return e.eventually(time.Minute, node.Name+" pulls directly from "+upstream, func() error {
		if hosts := e.hosts(node, upstream); livecluster.NamesCache(hosts) {
			return fmt.Errorf("hosts.toml is %q", hosts)
		}
		return nil
	})
}

// allowTrouble lets containerd say what matches a pattern, because the test itself makes that happen.
func (e *env) allowTrouble(pattern string) {
	e.troubles = append(e.troubles, regexp.MustCompile(pattern))
}

// checkPulls fails the test if containerd ever waited for a cache that did not answer.
func (e *env) checkPulls() {
	for _, node := range e.Nodes() {
		for line := range strings.Lines(node.Logs(cluster.Containerd)) {
			if strings.Contains(line, "trying next host") && strings.Contains(line, "timeout") && !e.allowed(line) {
				e.t.Errorf("containerd of %s had to wait: %s", node.Name, line)
			}
		}
	}
}

func (e *env) allowed(line string) bool {
	for _, pattern := range e.troubles {
		if pattern.MatchString(line) {
			return true
		}
	}
	return false
}

// tellFailure prints what helps to understand a failure.
func (e *env) tellFailure() {
	if !e.t.Failed() {
		return
	}
	for _, args := range [][]string{
		{"get", "pods", "-A", "-o", "wide"},
		{"get", "events", "-A", "--sort-by=.lastTimestamp"},
		{"logs", "-n", "registry-cache", "-l", "app.kubernetes.io/name=registry-cache", "--all-containers", "--prefix", "--tail=40"},
	} {
		output, err := e.tryPipe("", tool.Path(e.t, "kubectl"), args...)
		e.t.Logf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	requests := e.hub.Requests()
	for _, request := range requests[max(0, len(requests)-40):] {
		e.t.Logf("hub: %+v", request)
	}
	for _, node := range e.Nodes() {
		e.t.Logf("containerd of %s:\n%s", node.Name, strings.Join(troubles(node), ""))
	}
	e.t.Logf("it failed for\n%s", strings.Join(*e.t.faults, "\n"))
}

// troubles returns the last lines in which containerd of a node complains, and all that tell of a wait.
func troubles(node *cluster.Node) (lines []string) {
	const last = 20
	for line := range strings.Lines(node.Logs(cluster.Containerd)) {
		if strings.Contains(line, "next host") || strings.Contains(line, "level=error") {
			lines = append(lines, line)
		}
	}
	early, late := lines[:max(0, len(lines)-last)], lines[max(0, len(lines)-last):]
	waits := slices.DeleteFunc(slices.Clone(early), func(line string) bool { return !strings.Contains(line, "timeout") })
	return append(waits, late...)
}
