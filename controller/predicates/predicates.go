// Package predicates says which Extensions our controllers reconcile: those that gardener's own would, and those whose request it
// would lose.
package predicates

import (
	"context"
	"time"

	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Default returns the predicates of a controller of Extensions. They all have to hold.
func Default(ctx context.Context, mgr manager.Manager, ignoreOperationAnnotation bool) []predicate.Predicate {
	predicates := extension.DefaultPredicates(ctx, mgr, ignoreOperationAnnotation)
	last := len(predicates) - 1 // those before are preconditions
	predicates[last] = predicate.Or(predicates[last], requestLost())
	return predicates
}

// requestLost admits, when the controller starts, an Extension that gardenlet has asked to reconcile and that nobody has. gardener's
// reconciler takes the request, the annotation gardener.cloud/operation, away before it writes that it has begun: of a controller
// that ends between the two nothing is left that gardener's predicates look at, and gardenlet waits in vain.
func requestLost() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return isRequestLost(e.Object) },
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// isRequestLost compares as gardenlet does while it waits (CheckExtensionObject in gardener's pkg/utils/kubernetes/health).
func isRequestLost(object client.Object) bool {
	ex, ok := object.(*extensionsv1alpha1.Extension)
	if !ok || ex.Annotations[v1beta1constants.GardenerOperation] != "" {
		return false
	}
	asked, err := time.Parse(time.RFC3339Nano, ex.Annotations[v1beta1constants.GardenerTimestamp])
	if err != nil {
		return false
	}
	done := ex.Status.LastOperation
	return done != nil && done.State == gardencorev1beta1.LastOperationStateSucceeded &&
		done.Type != gardencorev1beta1.LastOperationTypeMigrate && asked.Truncate(time.Second).After(done.LastUpdateTime.Time)
}
