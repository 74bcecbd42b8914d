package registrycache

import (
	"context"
	"fmt"

	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/registry-cache/registry-cache/controller/predicates"
	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

const (
	// Type is the type of Extensions that this controller reconciles.
	Type = "registry-cache"
	// ControllerName is the name of the controller in flags, logs, metrics and events.
	ControllerName = "registry-cache-controller"
)

// AddToManager adds the controller to a manager, whose scheme must know Gardener's types. registry is the program that the caches
// run; of args only what a deployer decides is looked at: ControllerOptions, IgnoreOperationAnnotation and ExtensionClasses. It
// gives an error if an image vector cannot be read.
func AddToManager(ctx context.Context, mgr manager.Manager, registry fnv1alpha1.Registry, args extension.AddArgs) error {
	images, err := ReadImages(registry)
	if err != nil {
		return err
	}
	args.Actuator = &actuator{client: mgr.GetClient(), events: mgr.GetEventRecorder(ControllerName), registry: registry, images: images}
	args.Name, args.Type, args.FinalizerSuffix = ControllerName, Type, Type
	args.Predicates = predicates.Default(ctx, mgr, args.IgnoreOperationAnnotation)
	if err := extension.Add(mgr, args); err != nil {
		return fmt.Errorf("adding the %s: %w", ControllerName, err)
	}
	return nil
}
