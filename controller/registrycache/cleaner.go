package registrycache

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/functions/pipeline"
)

const (
	// waitCleaned is how long nodes may take to be cleaned. A node that takes longer withdraws the caches by itself, seconds
	// after they have gone, so that a removal need not hang on it.
	waitCleaned = 60 * time.Second
	// nodesInterval is the time between two looks at the nodes while they are cleaned.
	nodesInterval = 5 * time.Second
	// waitCleanerGone is how long the cleaner may take to go again.
	waitCleanerGone = 20 * time.Second

	// cleanContainer is the init container whose arguments are the upstreams.
	cleanContainer = "clean"
)

// knownUpstreams are those that nodes may have been told of: in the status or with a Service in the shoot.
func (o *operation) knownUpstreams(ctx context.Context) (sets.Set[string], error) {
	known := sets.New[string]()
	for _, cache := range o.status().Caches {
		if len(validation.ValidateUpstream(field.NewPath("upstream"), cache.Upstream)) == 0 {
			known.Insert(cache.Upstream)
		}
	}
	for i := range o.services {
		upstream := o.services[i].Annotations[names.AnnotationUpstream]
		if known.Has(upstream) || o.config != nil && o.isConfigured(upstream) {
			continue
		}
		deployed, err := o.isDeployed(ctx, o.services[i].Name)
		if err != nil {
			return nil, err
		}
		if deployed {
			known.Insert(upstream)
		}
	}
	return known, nil
}

// isDeployed says whether a Service that no status tells of was deployed by us: a copy that somebody made of one, labels and
// all, would otherwise have the nodes cleaned again and again. Where there is no ManagedResource, as after a migration, it is.
func (o *operation) isDeployed(ctx context.Context, service string) (bool, error) {
	if err := o.awaitRecorded(ctx, managedResourceServices); err != nil {
		return false, err
	}
	resource := &resourcesv1alpha1.ManagedResource{}
	if err := o.client.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: managedResourceServices}, resource); err != nil {
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, fmt.Errorf("reading the ManagedResource %q: %w", managedResourceServices, err)
	}
	return slices.ContainsFunc(resource.Status.Resources, func(r resourcesv1alpha1.ObjectReference) bool {
		return r.Kind == "Service" && r.Name == service
	}), nil
}

// cleanRemoved takes upstreams off the nodes that are not in the config any more, while their caches still answer: a node
// never asks a cache that is gone.
func (o *operation) cleanRemoved(ctx context.Context) error {
	removed, err := o.knownUpstreams(ctx)
	if err != nil {
		return err
	}
	for i := range o.config.Caches {
		removed.Delete(o.config.Caches[i].Upstream)
	}
	if removed.Len() > 0 {
		if err := o.awaitBothRecorded(ctx); err != nil {
			return err
		}
	}
	return o.clean(ctx, removed)
}

// cleanAll takes all upstreams off the nodes.
func (o *operation) cleanAll(ctx context.Context) error {
	known, err := o.knownUpstreams(ctx)
	if err != nil {
		return err
	}
	return o.clean(ctx, known)
}

// clean runs the cleaner for some upstreams on all nodes and takes it away again. A cleaner that an operation before left
// behind goes first: it could clean an upstream that is wanted again, and its pods may have done so before the nodes' guards
// were told of the caches anew.
func (o *operation) clean(ctx context.Context, removed sets.Set[string]) error {
	if err := o.deleteLeftoverCleaner(ctx); err != nil {
		return err
	}
	upstreams := sets.List(removed)
	if len(upstreams) == 0 {
		return nil
	}
	if err := o.deployCleaner(ctx, upstreams); err != nil {
		return err
	}
	cleaned, left, err := o.awaitCleaned(ctx, upstreams)
	if err != nil {
		return err
	}
	if list := strings.Join(shortened(upstreams), ", "); len(left) > 0 {
		o.warn(reasonNotCleaned, "CleanNodes", "%s taken off %d node(s); not off the nodes %s, where the guard withdraws the cache "+
			"within seconds after it has gone", list, len(cleaned), strings.Join(shortened(left), ", "))
	} else {
		o.inform(reasonCleaned, "CleanNodes", "%s taken off %d node(s)", list, len(cleaned))
	}
	return o.deleteLeftoverCleaner(ctx)
}

func (o *operation) deployCleaner(ctx context.Context, upstreams []string) error {
	cleaner := fnv1alpha1.RegistryCleaner{Upstreams: upstreams, Platform: fnv1alpha1.PlatformShoot, Image: o.images.Cleaner}
	cleaner.APIVersion, cleaner.Kind = fnv1alpha1.APIVersion, "RegistryCleaner"
	config, err := asConfig(cleaner)
	if err != nil {
		return err
	}
	out, err := pipeline.Render(config, nil)
	if err != nil {
		return err
	}
	return o.deploy(ctx, managedResourceCleaner, out.Objects, false)
}

// awaitCleaned waits until every node that is Ready has run the cleaner, and no longer than waitCleaned. It returns the
// names of the nodes that have, and of those that have not, the ones that are not Ready among them.
func (o *operation) awaitCleaned(ctx context.Context, upstreams []string) (cleaned, left []string, err error) {
	var nodes []node
	var read time.Time
	err = poll(ctx, pollInterval, waitCleaned, func(ctx context.Context) (bool, error) {
		if time.Since(read) >= nodesInterval {
			if nodes, err = o.readNodes(ctx); err != nil {
				return false, err
			}
			read = time.Now()
		}
		scheduled, err := o.cleanerScheduled(ctx, upstreams)
		if err != nil {
			return false, err
		}
		done, err := o.cleanedNodes(ctx, upstreams)
		if err != nil {
			return false, err
		}
		var waiting bool
		cleaned, left, waiting = split(nodes, done)
		return scheduled && !waiting, nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("waiting for the cleaner on the nodes %s: %w", strings.Join(shortened(left), ", "), err)
	}
	return cleaned, left, nil
}

// node is what is to be known of a node.
type node struct {
	name  string
	ready bool
}

// split returns the names of nodes by whether they are done, and whether one that is Ready is not.
func split(nodes []node, done sets.Set[string]) (cleaned, left []string, waiting bool) {
	for _, n := range nodes {
		if done.Has(n.name) {
			cleaned = append(cleaned, n.name)
			continue
		}
		left = append(left, n.name)
		waiting = waiting || n.ready
	}
	return cleaned, left, waiting
}

// readNodes lists the nodes, from the API server's cache: a Node has tens of KiB, and there may be hundreds.
func (o *operation) readNodes(ctx context.Context) ([]node, error) {
	var list corev1.NodeList
	if err := o.shoot.List(ctx, &list, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}}); err != nil {
		return nil, fmt.Errorf("listing the nodes: %w", err)
	}
	nodes := make([]node, 0, len(list.Items))
	for i := range list.Items {
		nodes = append(nodes, node{name: list.Items[i].Name, ready: isReady(&list.Items[i])})
	}
	return nodes, nil
}

// cleanerScheduled says whether the DaemonSet is in the shoot with these upstreams and its controller has seen it.
func (o *operation) cleanerScheduled(ctx context.Context, upstreams []string) (bool, error) {
	var list appsv1.DaemonSetList
	if err := o.shoot.List(ctx, &list, client.InNamespace(fnv1alpha1.ShootNamespace), cleanerLabels); err != nil {
		return false, fmt.Errorf("listing the DaemonSets of the cleaner: %w", err)
	}
	return slices.ContainsFunc(list.Items, func(d appsv1.DaemonSet) bool {
		return cleans(&d.Spec.Template.Spec, upstreams) && d.Status.ObservedGeneration >= d.Generation
	}), nil
}

// cleanerLabels select the cleaner and its pods; bases/cleaner has the same.
var cleanerLabels = client.MatchingLabels{
	"app.kubernetes.io/name": "registry-configuration-cleaner", "app.kubernetes.io/instance": "registry-configuration-cleaner",
}

// cleans says whether a pod takes exactly these upstreams off its node.
func cleans(pod *corev1.PodSpec, upstreams []string) bool {
	return slices.ContainsFunc(pod.InitContainers, func(c corev1.Container) bool {
		return c.Name == cleanContainer && slices.Equal(c.Args, upstreams)
	})
}

// cleanedNodes returns the names of the nodes whose pod of the cleaner is done.
func (o *operation) cleanedNodes(ctx context.Context, upstreams []string) (sets.Set[string], error) {
	var pods corev1.PodList
	if err := o.shoot.List(ctx, &pods, client.InNamespace(fnv1alpha1.ShootNamespace), cleanerLabels); err != nil {
		return nil, fmt.Errorf("listing the pods of the cleaner: %w", err)
	}
	done := sets.New[string]()
	for i := range pods.Items {
		// The work is done in an init container: a pod that runs has done it.
		if pod := &pods.Items[i]; cleans(&pod.Spec, upstreams) && pod.Status.Phase == corev1.PodRunning {
			done.Insert(pod.Spec.NodeName)
		}
	}
	return done, nil
}

func isReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// shortened keeps a list of names readable.
func shortened(names []string) []string {
	const most = 8
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
}

// deleteLeftoverCleaner deletes the cleaner, if there is one, and waits until it is gone from the shoot.
func (o *operation) deleteLeftoverCleaner(ctx context.Context) error {
	found, err := o.findCleaner(ctx)
	if err != nil || !found {
		return err
	}
	if err := o.awaitRecorded(ctx, managedResourceCleaner); err != nil {
		return fmt.Errorf("ManagedResource %q: %w", managedResourceCleaner, err)
	}
	if err := o.deleteCleaner(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, waitCleanerGone)
	defer cancel()
	if err := managedresources.WaitUntilDeleted(ctx, o.client, o.namespace, managedResourceCleaner); err != nil {
		return fmt.Errorf("waiting until the ManagedResource %q is gone: %w", managedResourceCleaner, err)
	}
	return nil
}

// forgetCleaner deletes the cleaner, if there is one, and does not wait for it.
func (o *operation) forgetCleaner(ctx context.Context) error {
	found, err := o.findCleaner(ctx)
	if err != nil || !found {
		return err
	}
	return o.deleteCleaner(ctx)
}

// findCleaner says whether there is a cleaner. A look costs less than the deletion of what is usually not there.
func (o *operation) findCleaner(ctx context.Context) (bool, error) {
	resource := &resourcesv1alpha1.ManagedResource{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: managedResourceCleaner}}
	if err := o.client.Get(ctx, client.ObjectKeyFromObject(resource), resource); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, fmt.Errorf("reading the ManagedResource %q: %w", managedResourceCleaner, err)
	}
	return true, nil
}

func (o *operation) deleteCleaner(ctx context.Context) error {
	if err := managedresources.DeleteForShoot(ctx, o.client, o.namespace, managedResourceCleaner); err != nil {
		return fmt.Errorf("deleting the ManagedResource %q: %w", managedResourceCleaner, err)
	}
	return nil
}
