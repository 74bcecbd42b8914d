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
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// Type is the type of Extensions that this controller reconciles.
	Type = "registry-mirror"
	// ControllerName is the name of the controller in flags, logs and metrics.
	ControllerName = "registry-mirror-controller"
)

// Options are what a deployer decides.
type Options struct {
	// Controller says, among others, how many Extensions are reconciled at once.
	Controller controller.Options
	// IgnoreOperationAnnotation reconciles at every change, and not only when gardenlet asks for it.
	IgnoreOperationAnnotation bool
	// ExtensionClasses are the classes that this controller is responsible for; none means shoot.
	ExtensionClasses []extensionsv1alpha1.ExtensionClass
}

// AddToManager adds the controller to a manager, whose scheme must know Gardener's types.
func AddToManager(ctx context.Context, mgr manager.Manager, options Options) error {
	err := extension.Add(mgr, extension.AddArgs{
		Actuator:                  actuator{},
		Name:                      ControllerName,
		Type:                      Type,
		FinalizerSuffix:           Type,
		ControllerOptions:         options.Controller,
		Predicates:                extension.DefaultPredicates(ctx, mgr, options.IgnoreOperationAnnotation),
		IgnoreOperationAnnotation: options.IgnoreOperationAnnotation,
		ExtensionClasses:          options.ExtensionClasses,
	})
	if err != nil {
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
