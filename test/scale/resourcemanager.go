package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// resourceManagers play the gardener-resource-managers of all shoots: they create the Services and StatefulSets of a
// ManagedResource in the shoot, which is all that the extension reads there, and say so in the status. Objects that exist are
// left alone, because in this measurement none changes.
type resourceManagers struct {
	client client.Client // without a cache
}

func newResourceManagers(config *rest.Config, uncached client.Client) (manager.Manager, error) {
	mgr, err := manager.New(config, manager.Options{Scheme: cluster.Scheme, Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return nil, fmt.Errorf("making the played resource-managers: %w", err)
	}
	err = ctrl.NewControllerManagedBy(mgr).
		For(&resourcesv1alpha1.ManagedResource{}).
		WithEventFilter(predicate.GenerationChangedPredicate{}).
		WithOptions(controller.Options{MaxConcurrentReconciles: 10}).
		Complete(&resourceManagers{client: uncached})
	if err != nil {
		return nil, fmt.Errorf("adding the played resource-managers: %w", err)
	}
	return mgr, nil
}

// Reconcile implements reconcile.Reconciler.
func (r *resourceManagers) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	resource := &resourcesv1alpha1.ManagedResource{}
	if err := r.client.Get(ctx, request.NamespacedName, resource); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	objects, err := managedresources.GetObjects(ctx, r.client, resource.Namespace, resource.Name)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the objects: %w", err)
	}
	for _, object := range objects {
		if err := r.create(ctx, resource.Namespace, object); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, r.applied(ctx, resource, objects)
}

// create creates what the extension reads of a shoot.
func (r *resourceManagers) create(ctx context.Context, namespace string, object client.Object) error {
	switch object.(type) {
	case *corev1.Service, *appsv1.StatefulSet:
	default:
		return nil
	}
	object.SetNamespace(shootNamespace(strings.TrimPrefix(namespace, seedPrefix)))
	// A Service with an address that it has already is not told that it exists, but that the address is taken.
	existing := &metav1.PartialObjectMetadata{}
	existing.SetGroupVersionKind(object.GetObjectKind().GroupVersionKind())
	err := r.client.Get(ctx, client.ObjectKeyFromObject(object), existing)
	if apierrors.IsNotFound(err) {
		err = r.client.Create(ctx, object)
	}
	if err != nil {
		return fmt.Errorf("creating the %T %s: %w", object, object.GetName(), err)
	}
	return nil
}

// applied writes the status as the resource-manager does when all went well.
func (r *resourceManagers) applied(ctx context.Context, resource *resourcesv1alpha1.ManagedResource, objects []client.Object) error {
	patch := client.MergeFrom(resource.DeepCopy())
	resource.Status.ObservedGeneration = resource.Generation
	resource.Status.Resources = nil
	for _, object := range objects {
		kind := object.GetObjectKind().GroupVersionKind()
		reference := resourcesv1alpha1.ObjectReference{}
		reference.APIVersion, reference.Kind = kind.ToAPIVersionAndKind()
		reference.Namespace, reference.Name = metav1.NamespaceSystem, object.GetName()
		resource.Status.Resources = append(resource.Status.Resources, reference)
	}
	for kind, status := range map[gardencorev1beta1.ConditionType]gardencorev1beta1.ConditionStatus{
		resourcesv1alpha1.ResourcesApplied:     gardencorev1beta1.ConditionTrue,
		resourcesv1alpha1.ResourcesHealthy:     gardencorev1beta1.ConditionTrue,
		resourcesv1alpha1.ResourcesProgressing: gardencorev1beta1.ConditionFalse,
	} {
		condition := helper.GetOrInitConditionWithClock(clock.RealClock{}, resource.Status.Conditions, kind)
		condition = helper.UpdatedConditionWithClock(clock.RealClock{}, condition, status, "Played", "All resources are applied.")
		resource.Status.Conditions = helper.MergeConditions(resource.Status.Conditions, condition)
	}
	if err := r.client.Status().Patch(ctx, resource, patch); err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}
