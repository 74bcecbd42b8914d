//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// expectHosts waits until each node, all if none is given, has a hosts.toml for each of some upstreams that names the endpoint of
// its cache as the status has it, and none for any other upstream. It returns how long that took.
func (g *gardener) expectHosts(upstreams []string, nodes ...*cluster.Node) time.Duration {
	g.t.Helper()
	if len(nodes) == 0 {
		nodes = g.Nodes()
	}
	endpoints := map[string]string{}
	for _, cache := range g.status().Caches {
		endpoints[cache.Upstream] = cache.Endpoint
	}
	start := time.Now()
	for _, node := range nodes {
		g.eventually(time.Minute, "hosts.toml files on "+node.Name, func() error {
			failed := expectOnly(node, upstreams)
			for _, upstream := range upstreams {
				if hosts := g.hosts(node, upstream); !strings.Contains(hosts, fmt.Sprintf("[host.%q]", endpoints[upstream])) {
					failed = errors.Join(failed, fmt.Errorf("that of %s must name %s, is %q", upstream, endpoints[upstream], hosts))
				}
			}
			return failed
		})
	}
	return time.Since(start).Round(100 * time.Millisecond)
}

// expectNoHosts waits until no node has anything for any upstream.
func (g *gardener) expectNoHosts() {
	g.t.Helper()
	for _, node := range g.Nodes() {
		g.eventually(time.Minute, "no hosts.toml on "+node.Name, func() error { return expectOnly(node, nil) })
	}
}

// expectOnly returns an error if a node has a folder for an upstream that is not one of these; files beside the folders are
// nobody's upstream.
func expectOnly(node *cluster.Node, upstreams []string) error {
	entries, err := os.ReadDir(filepath.Join(node.Root(), certsDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		if entry.IsDir() && !slices.Contains(upstreams, entry.Name()) {
			err = errors.Join(err, fmt.Errorf("there is a folder for %s", entry.Name()))
		}
	}
	return err
}

// expectGuard fails unless the guard runs on nodes, or does not, with its files there or not.
func (g *gardener) expectGuard(runs bool, nodes ...*cluster.Node) {
	g.t.Helper()
	for _, node := range nodes {
		agent := g.agents[node.Name]
		if agent.systemd.runs(guardUnit) != runs {
			g.t.Errorf("the guard of %s runs: %t, want %t", node.Name, !runs, runs)
		}
		for _, file := range []string{filepath.Join(unitsDir, guardUnit), "/opt/bin/configure-containerd-registries.sh"} {
			if _, err := os.Stat(agent.path(file)); (err == nil) != runs {
				g.t.Errorf("%s on %s: %v, want there: %t", file, node.Name, err, runs)
			}
		}
	}
}

// guardArguments is the line of the unit that starts the guard.
func (g *gardener) guardArguments(node *cluster.Node) string {
	g.t.Helper()
	text, err := os.ReadFile(g.agents[node.Name].path(filepath.Join(unitsDir, guardUnit)))
	g.must(err)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "ExecStart=") {
			return line
		}
	}
	return ""
}

// claims returns the claims of caches in the shoot, with their identities.
func (g *gardener) claims() map[string]types.UID {
	g.t.Helper()
	var list corev1.PersistentVolumeClaimList
	g.must(g.Client().List(g.ctx, &list, client.InNamespace(metav1.NamespaceSystem)))
	claims := map[string]types.UID{}
	for i := range list.Items {
		claims[list.Items[i].Name] = list.Items[i].UID
	}
	return claims
}

// expectNothingLeft waits until neither seed nor shoot has anything of the extension's for the Shoot, Secrets aside: those in the
// shoot the resource-manager collects only when they are ten minutes old.
func (g *gardener) expectNothingLeft() {
	g.t.Helper()
	g.eventually(time.Minute, "all of the caches is gone", func() error {
		left := g.left("seed", &resourcesv1alpha1.ManagedResourceList{}, g.shoot.Namespace)
		for _, list := range []client.ObjectList{
			&corev1.ServiceList{}, &corev1.PersistentVolumeClaimList{}, &appsv1.StatefulSetList{},
		} {
			left = errors.Join(left, g.left("shoot", list, metav1.NamespaceSystem, client.HasLabels{"upstream-host"}))
		}
		var cleaners appsv1.DaemonSetList
		return errors.Join(left, g.left("shoot", &cleaners, metav1.NamespaceSystem))
	})
}

// left returns an error if there are objects of a kind.
func (g *gardener) left(where string, list client.ObjectList, namespace string, options ...client.ListOption) error {
	if err := g.Client().List(g.ctx, list, append(options, client.InNamespace(namespace))...); err != nil {
		return err
	}
	var names []string
	g.must(meta.EachListItem(list, func(object runtime.Object) error {
		accessor, err := meta.Accessor(object)
		if err == nil {
			names = append(names, accessor.GetName())
		}
		return err
	}))
	if len(names) > 0 {
		return fmt.Errorf("the %s has %T %v", where, list, names)
	}
	return nil
}

// expectEvent waits for an event on the Extension whose message has all of some words.
func (g *gardener) expectEvent(reason string, words ...string) {
	g.t.Helper()
	g.eventually(10*time.Second, "an event "+reason, func() error {
		messages := g.events(reason)
		if slices.ContainsFunc(messages, func(message string) bool {
			return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(message, word) })
		}) {
			return nil
		}
		return fmt.Errorf("none has all of %q: %q", words, messages)
	})
}

// expectPod waits until the pod of a cache is ready: what is asked of it from now on, it answers.
func (g *gardener) expectPod(cache cachePod) time.Duration {
	g.t.Helper()
	return g.eventually(time.Minute, cache.name+" is ready", func() error {
		pod := &corev1.Pod{}
		if err := g.Client().Get(g.ctx, client.ObjectKey{Namespace: cache.namespace, Name: cache.name}, pod); err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("it is not: %+v", pod.Status.Conditions)
	}).Round(100 * time.Millisecond)
}
