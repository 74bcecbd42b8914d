// Package registrymirror is the controller of Extensions of type "registry-mirror". Mirrors are outside the cluster: there is
// nothing to deploy and nothing to remove, and what nodes know of them is the webhook's to decide. The controller only says
// so in the Extension's status, for which gardenlet waits.
package registrymirror

import (
	"context"
	"fmt"

	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/registry-cache/registry-cache/controller/predicates"
)

const (
	// Type is the type of Extensions that this controller reconciles.
	Type = "registry-mirror"
	// ControllerName is the name of the controller in flags, logs and metrics.
	ControllerName = "registry-mirror-controller"
)

// AddToManager adds the controller to a manager, whose scheme must know Gardener's types. Of args only what a deployer decides is
// looked at: ControllerOptions, IgnoreOperationAnnotation and ExtensionClasses.
func AddToManager(ctx context.Context, mgr manager.Manager, args extension.AddArgs) error {
	args.Actuator = actuator{}
	args.Name, args.Type, args.FinalizerSuffix = ControllerName, Type, Type
	args.Predicates = predicates.Default(ctx, mgr, args.IgnoreOperationAnnotation)
	if err := extension.Add(mgr, args); err != nil {
		return fmt.Errorf("adding the %s: %w", ControllerName, err)
	}
	return nil
}

// actuator does nothing, successfully.
type actuator struct{}

var _ extension.Actuator = actuator{}

// Reconcile does nothing.
func (actuator) Reconcile(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return nil
}

// Delete does nothing.
func (actuator) Delete(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error { return nil }

// ForceDelete does nothing.
func (actuator) ForceDelete(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return nil
}

// Restore does nothing.
func (actuator) Restore(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return nil
}

// Migrate does nothing.
func (actuator) Migrate(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return nil
}
