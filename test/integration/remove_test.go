//go:build integration

package integration

import (
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// TestRemoveAnUpstream: nodes are cleaned before the cache goes, it takes its claim along, and another one does not notice.
func TestRemoveAnUpstream(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("remove")
	e.reconcile(s, config(plain("docker.io"), secured("quay.io")))
	before := e.expectCaches("docker-io", "quay-io")

	moment := e.now()
	e.took("removing an upstream", func() { e.reconcile(s, config(secured("quay.io"))) })
	after := e.expectCaches("quay-io") // so neither cleaner nor claim is left
	e.same(before, after, objectsOf("quay-io")...)
	e.expectStatus(s, "quay.io https quay-io")
	e.expectEvent(s, "NodesCleaned", "docker.io taken off 0 node(s)")
	if err := e.gone(managedResource(s, "extension-registry-configuration-cleaner")); err != nil {
		t.Error(err)
	}

	writes := e.since(moment, &appsv1.DaemonSetList{}, &appsv1.StatefulSetList{}, &corev1.ServiceList{},
		&corev1.PersistentVolumeClaimList{})
	for _, object := range objectsOf("docker-io") {
		if err := writes.ordered(made(cleaner), cleans("docker.io"), ended(cleaner), goes(object)); err != nil {
			t.Error(err)
		}
	}
}

// TestRemoveAnUpstreamWhileANodeIsNotReady: that node is not waited for, though the cleaner's pod hangs there for good. An
// event names it. A node that is Ready is cleaned.
func TestRemoveAnUpstreamWhileANodeIsNotReady(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("notready")
	e.reconcile(s, config(plain("docker.io"), plain("quay.io")))
	e.expectCaches("docker-io", "quay-io")
	e.playNodes(playedNode{name: "dead"}, playedNode{name: "alive", ready: true, runs: true})

	moment := e.now()
	elapsed := e.took("removing an upstream while a node is not Ready", func() { e.reconcile(s, config(plain("quay.io"))) })
	if elapsed > 45*time.Second {
		t.Errorf("the removal took %s, want less than the 60 s for which a node that is Ready is waited for", elapsed)
	}
	e.expectCaches("quay-io")
	e.expectEvent(s, "NodesNotCleaned", "docker.io taken off 1 node(s)", "not off the nodes dead,")
	e.must(e.since(moment, &appsv1.DaemonSetList{}, &appsv1.StatefulSetList{}).ordered(cleans("docker.io"), goes(cleaner), goes("StatefulSet registry-docker-io")))
	bound := slices.ContainsFunc(e.since(moment, &corev1.PodList{}), func(c change) bool {
		pod, ok := c.object.(*corev1.Pod)
		return ok && pod.Spec.NodeName == "dead"
	})
	if !bound {
		t.Error("no pod of the cleaner was bound to the node that is not Ready")
	}
}

// TestRemoveAnUpstreamFromANode: a pod of the cleaner that runs has done its work.
func TestRemoveAnUpstreamFromANode(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("cleaned")
	e.reconcile(s, config(plain("docker.io"), plain("quay.io")))
	e.expectCaches("docker-io", "quay-io")
	e.playNodes(playedNode{name: "one", ready: true, runs: true}, playedNode{name: "two", ready: true, runs: true})

	elapsed := e.took("removing an upstream from two nodes", func() { e.reconcile(s, config(plain("quay.io"))) })
	if elapsed > 45*time.Second {
		t.Errorf("the removal took %s, want less than the 60 s for which a node is waited for", elapsed)
	}
	e.expectCaches("quay-io")
	e.expectEvent(s, "NodesCleaned", "docker.io taken off 2 node(s)")
	if messages := e.events(s, "NodesNotCleaned"); len(messages) > 0 {
		t.Errorf("events say %q", messages)
	}
}

// TestRemoveAnUpstreamWhileTheCleanerDoesNotRun: a node that is Ready gets 60 s, and then the removal goes on without it.
func TestRemoveAnUpstreamWhileTheCleanerDoesNotRun(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("stuck")
	e.reconcile(s, config(plain("docker.io"), plain("quay.io")))
	e.expectCaches("docker-io", "quay-io")
	e.playNodes(playedNode{name: "stuck", ready: true})

	elapsed := e.took("removing an upstream while the cleaner does not run", func() { e.reconcile(s, config(plain("quay.io"))) })
	if elapsed < 55*time.Second || elapsed > 150*time.Second {
		t.Errorf("the removal took %s, want 60 s for the cleaner and at most 150 s in all", elapsed)
	}
	e.expectCaches("quay-io")
	e.expectEvent(s, "NodesNotCleaned", "docker.io taken off 0 node(s)", "not off the nodes stuck,")
}
