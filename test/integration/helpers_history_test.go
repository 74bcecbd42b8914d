//go:build integration

package integration

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// change is one write, as a watch tells of it.
type change struct {
	what watch.EventType
	// id is "<kind> <name>", as in inShoot.
	id string
	// version counts all writes of the cluster, of whatever kind: they are in one etcd.
	version uint64
	object  client.Object
}

// history are writes in their order.
type history []change

// now returns the moment for since: what has been written before is not in the history.
func (e *env) now() string {
	e.t.Helper()
	var list corev1.ConfigMapList
	e.must(e.Client().List(e.ctx, &list, client.Limit(1)))
	return list.ResourceVersion
}

// since returns what was written after a moment to objects of some kinds, in the shoot's kube-system and all seed namespaces.
// The API server remembers it for long enough: a watch that begins at the moment gets it at once.
func (e *env) since(moment string, lists ...client.ObjectList) history {
	e.t.Helper()
	watcher, err := client.NewWithWatch(e.RESTConfig(), client.Options{Scheme: cluster.Scheme})
	e.must(err)
	found, failed := make([]history, len(lists)), make([]error, len(lists))
	var all sync.WaitGroup
	for i, list := range lists {
		all.Go(func() { found[i], failed[i] = e.replay(watcher, moment, list) })
	}
	all.Wait()
	e.must(errors.Join(failed...))
	merged := slices.Concat(found...)
	slices.SortFunc(merged, func(a, b change) int { return int(a.version) - int(b.version) })
	return merged
}

// replay watches objects of one kind until the API server ends that, a second later.
func (e *env) replay(watcher client.WithWatch, moment string, list client.ObjectList) (found history, err error) {
	second := int64(1)
	w, err := watcher.Watch(e.ctx, list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: moment, TimeoutSeconds: &second}})
	if err != nil {
		return nil, fmt.Errorf("watching %T since %s: %w", list, moment, err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		object, ok := event.Object.(client.Object)
		if !ok {
			return nil, fmt.Errorf("watching %T since %s: %w", list, moment, apierrors.FromObject(event.Object))
		}
		gvk, err := apiutil.GVKForObject(object, cluster.Scheme)
		if err != nil {
			return nil, err
		}
		version, err := strconv.ParseUint(object.GetResourceVersion(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading the version of %s %s: %w", gvk.Kind, object.GetName(), err)
		}
		found = append(found, change{event.Type, gvk.Kind + " " + object.GetName(), version, object})
	}
	return found, nil
}

// in keeps the writes in some namespaces.
func (h history) in(namespaces ...string) history {
	return slices.DeleteFunc(slices.Clone(h), func(c change) bool { return !slices.Contains(namespaces, c.object.GetNamespace()) })
}

// of are the writes of one object.
func (h history) of(id string) history {
	return slices.DeleteFunc(slices.Clone(h), func(c change) bool { return c.id != id })
}

// String is for messages.
func (h history) String() (text string) {
	for _, c := range h {
		text += fmt.Sprintf("\n%d %s %s/%s", c.version, c.what, c.object.GetNamespace(), c.id)
		if c.object.GetDeletionTimestamp() != nil {
			text += " (being deleted)"
		}
	}
	return text
}

// write is what a scenario looks for in a history.
type write struct {
	name  string
	match func(change) bool
}

// made is the creation of an object.
func made(id string) write {
	return write{"creation of " + id, func(c change) bool { return c.id == id && c.what == watch.Added }}
}

// goes is the beginning of an object's deletion.
func goes(id string) write {
	return write{"deletion of " + id, func(c change) bool {
		return c.id == id && (c.what == watch.Deleted || c.object.GetDeletionTimestamp() != nil)
	}}
}

// ended is the end of an object.
func ended(id string) write {
	return write{"end of " + id, func(c change) bool { return c.id == id && c.what == watch.Deleted }}
}

// changed is a write of an object after which something is so.
func changed[T client.Object](id, name string, is func(T) bool) write {
	return write{id + " " + name, func(c change) bool {
		object, ok := c.object.(T)
		return c.id == id && ok && c.what != watch.Deleted && is(object)
	}}
}

// ordered returns an error unless the first of each of these writes comes after the first of the one before.
func (h history) ordered(writes ...write) error {
	var last uint64
	for _, w := range writes {
		i := slices.IndexFunc(h, w.match)
		if i < 0 {
			return fmt.Errorf("no %s in %s", w.name, h)
		}
		if h[i].version <= last {
			return fmt.Errorf("the %s came too early in %s", w.name, h)
		}
		last = h[i].version
	}
	return nil
}

// The cleaner, and the ManagedResources that bring it and the caches into the shoot.
const (
	cleaner          = "DaemonSet registry-configuration-cleaner"
	cleanerResource  = "ManagedResource extension-registry-configuration-cleaner"
	cachesResource   = "ManagedResource extension-registry-cache"
	servicesResource = "ManagedResource extension-registry-cache-services"
)

// cleans is the DaemonSet of the cleaner, known to its controller, with exactly these upstreams.
func cleans(upstreams ...string) write {
	return changed(cleaner, fmt.Sprintf("for %v, scheduled", upstreams), func(d *appsv1.DaemonSet) bool {
		containers := d.Spec.Template.Spec.InitContainers
		return len(containers) == 1 && slices.Equal(containers[0].Args, upstreams) && d.Status.ObservedGeneration == d.Generation
	})
}

// expectNoCleaner fails if there was a cleaner since a moment.
func (e *env) expectNoCleaner(moment string) {
	e.t.Helper()
	writes := e.since(moment, &appsv1.DaemonSetList{}, &resourcesv1alpha1.ManagedResourceList{})
	if found := slices.Concat(writes.of(cleaner), writes.of(cleanerResource)); len(found) > 0 {
		e.t.Errorf("there was a cleaner:%s", found)
	}
}

// took runs an operation and returns how long that took.
func (e *env) took(what string, operation func()) time.Duration {
	e.t.Helper()
	start := time.Now()
	operation()
	elapsed := time.Since(start).Round(100 * time.Millisecond)
	e.t.Logf("%s took %s", what, elapsed)
	return elapsed
}
