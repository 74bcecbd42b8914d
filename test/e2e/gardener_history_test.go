//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// removal is what the API server remembers of one: when something was, as the resource version of the write that said so. These
// count all writes of a cluster, of whatever kind.
type removal struct {
	// cleaned is when the cleaner had done its work on a node, by the node's name.
	cleaned map[string]uint64
	// deleted is when the deletion of a StatefulSet or a Service began, by "<kind> <name>".
	deleted map[string]uint64
	// cleaners counts the DaemonSets that were created.
	cleaners int
}

// now returns the moment for removalSince.
func (g *gardener) now() string {
	g.t.Helper()
	var list corev1.ConfigMapList
	g.must(g.Client().List(g.ctx, &list, client.Limit(1)))
	return list.ResourceVersion
}

// removalSince tells what was removed in kube-system since a moment.
func (g *gardener) removalSince(moment string) removal {
	g.t.Helper()
	r := removal{cleaned: map[string]uint64{}, deleted: map[string]uint64{}}
	for _, list := range []client.ObjectList{&corev1.PodList{}, &corev1.ServiceList{}, &appsv1.StatefulSetList{}, &appsv1.DaemonSetList{}} {
		g.must(g.replay(moment, list, r.note))
	}
	return r
}

// replay watches objects from a moment on, until the API server ends that a second later.
func (g *gardener) replay(moment string, list client.ObjectList, note func(watch.EventType, client.Object, uint64)) error {
	watcher, err := client.NewWithWatch(g.RESTConfig(), client.Options{Scheme: cluster.Scheme})
	if err != nil {
		return err
	}
	second := int64(1)
	w, err := watcher.Watch(g.ctx, list, client.InNamespace(metav1.NamespaceSystem),
		&client.ListOptions{Namespace: metav1.NamespaceSystem, Raw: &metav1.ListOptions{ResourceVersion: moment, TimeoutSeconds: &second}})
	if err != nil {
		return fmt.Errorf("watching %T since %s: %w", list, moment, err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		object, ok := event.Object.(client.Object)
		if !ok {
			return fmt.Errorf("watching %T since %s: %w", list, moment, apierrors.FromObject(event.Object))
		}
		version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
		if err != nil {
			return fmt.Errorf("reading the version of %s: %w", object.GetName(), err)
		}
		note(event.Type, object, version)
	}
	return nil
}

// note notes the first write of each kind.
func (r *removal) note(what watch.EventType, object client.Object, version uint64) {
	first := func(in map[string]uint64, name string) {
		if in[name] == 0 {
			in[name] = version
		}
	}
	going := what == watch.Deleted || object.GetDeletionTimestamp() != nil
	switch object := object.(type) {
	case *corev1.Pod:
		if isCleaner(object) && hasCleaned(object) {
			first(r.cleaned, object.Spec.NodeName)
		}
	case *corev1.Service:
		if going {
			first(r.deleted, "Service "+object.Name)
		}
	case *appsv1.StatefulSet:
		if going {
			first(r.deleted, "StatefulSet "+object.Name)
		}
	case *appsv1.DaemonSet:
		if what == watch.Added && strings.HasSuffix(object.Name, "-cleaner") {
			r.cleaners++
		}
	}
}

func isCleaner(pod *corev1.Pod) bool {
	return pod.Labels["app.kubernetes.io/name"] == "registry-configuration-cleaner"
}

// hasCleaned tells whether the container of the cleaner's pod that does the work has ended well.
func hasCleaned(pod *corev1.Pod) bool {
	for i := range pod.Status.InitContainerStatuses {
		if ended := pod.Status.InitContainerStatuses[i].State.Terminated; ended != nil && ended.ExitCode == 0 {
			return true
		}
	}
	return false
}

// expectCleanedBefore fails unless the cleaner's pods had done their work on nodes before the caches began to go, each given by
// the name of its objects.
func (g *gardener) expectCleanedBefore(r removal, nodes []*cluster.Node, caches ...string) {
	g.t.Helper()
	for _, node := range nodes {
		cleaned := r.cleaned[node.Name]
		if cleaned == 0 {
			g.t.Errorf("the cleaner has not done its work on %s", node.Name)
		}
		for _, cache := range caches {
			for _, kind := range []string{"Service ", "StatefulSet "} {
				if gone := r.deleted[kind+cache]; gone <= cleaned {
					g.t.Errorf("%s%s began to go at %d (0: never), but %s was cleaned at %d", kind, cache, gone, node.Name, cleaned)
				}
			}
		}
	}
}
