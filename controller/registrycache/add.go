package registrycache

import (
	"context"
	"fmt"

	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

const (
	// Type is the type of Extensions that this controller reconciles.
	Type = "registry-cache"
	// ControllerName is the name of the controller in flags, logs, metrics and events.
	ControllerName = "registry-cache-controller"
)

// Options are what a deployer decides.
type Options struct {
	// Registry is the program that all caches run.
	Registry fnv1alpha1.Registry
	// Controller says, among others, how many Extensions are reconciled at once.
	Controller controller.Options
	// IgnoreOperationAnnotation reconciles at every change, and not only when gardenlet asks for it.
	IgnoreOperationAnnotation bool
	// ExtensionClasses are the classes that this controller is responsible for; none means shoot.
	ExtensionClasses []extensionsv1alpha1.ExtensionClass
}

// AddToManager adds the controller to a manager, whose scheme must know Gardener's types. It gives an error if an image
// vector cannot be read.
func AddToManager(ctx context.Context, mgr manager.Manager, options Options) error {
	images, err := ReadImages(options.Registry)
	if err != nil {
		return err
	}
	err = extension.Add(mgr, extension.AddArgs{
		Actuator: &actuator{
			client: mgr.GetClient(), events: mgr.GetEventRecorder(ControllerName), registry: options.Registry, images: images,
		},
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
