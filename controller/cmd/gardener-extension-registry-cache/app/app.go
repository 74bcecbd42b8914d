// Package app wires the controllers and webhooks of the extension together.
package app

import (
	"context"
	"fmt"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	controllercmd "github.com/gardener/gardener/extensions/pkg/controller/cmd"
	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	"github.com/gardener/gardener/extensions/pkg/controller/heartbeat"
	"github.com/gardener/gardener/extensions/pkg/util"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	gardenerhealthz "github.com/gardener/gardener/pkg/healthz"
	"github.com/spf13/cobra"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	componentbaseconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/registry-cache/registry-cache/controller/registrycache"
	"github.com/registry-cache/registry-cache/controller/registrymirror"
	"github.com/registry-cache/registry-cache/controller/version"
)

// NewCommand returns the command of the extension.
func NewCommand() *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:   "gardener-extension-registry-cache",
		Short: "Runs pull-through registry caches in Gardener's shoot clusters",
		Long: "Runs the controllers of the extension types registry-cache and registry-mirror, and the webhook that tells the nodes of\n" +
			"caches and mirrors, in a seed. The environment variables LEADER_ELECTION_NAMESPACE and WEBHOOK_CONFIG_NAMESPACE name the\n" +
			"extension's own namespace, and IMAGEVECTOR_OVERWRITE a file with other images.",
		Version:      version.String(),
		Args:         cobra.NoArgs,
		SilenceUsage: true, // a failing API server is no reason to print all flags
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.all.AddFlags(cmd.Flags())
	return cmd
}

func (o *options) run(ctx context.Context) error {
	mgr, err := o.newManager()
	if err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	if _, err := o.webhooks.Completed().AddToManager(ctx, mgr, nil); err != nil {
		return fmt.Errorf("adding the webhooks: %w", err)
	}
	if err := o.controllers.Completed().AddToManager(ctx, mgr); err != nil {
		return fmt.Errorf("adding the controllers: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}

func (o *options) newManager() (manager.Manager, error) {
	config := o.rest.Completed().Config
	util.ApplyClientConnectionConfigurationToRESTConfig(
		&componentbaseconfigv1alpha1.ClientConnectionConfiguration{QPS: 100, Burst: 130}, config)
	managerOptions := o.manager.Completed().Options()
	managerOptions.Scheme = extensionscontroller.ExtensionsScheme
	// Kept out of the cache: a seed has many of them, few are ours, and each is read once in a reconciliation.
	managerOptions.Client.Cache = &client.CacheOptions{
		DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}, &resourcesv1alpha1.ManagedResource{}, &coordinationv1.Lease{}},
	}
	managerOptions.Cache.DefaultTransform = cache.TransformStripManagedFields()
	managerOptions.Cache.ByObject = map[client.Object]cache.ByObject{&extensionsv1alpha1.Cluster{}: {Transform: onlyShoot}}
	mgr, err := manager.New(config, managerOptions)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	return mgr, nil
}

// onlyShoot drops the parts of a Cluster that nothing here reads. A CloudProfile alone is often larger than the Shoot, and
// every Cluster has a copy.
func onlyShoot(object any) (any, error) {
	if cluster, ok := object.(*extensionsv1alpha1.Cluster); ok {
		cluster.ManagedFields = nil
		cluster.Spec.CloudProfile, cluster.Spec.Seed = runtime.RawExtension{}, nil
	}
	return object, nil
}

// addChecks adds the checks behind /healthz and /readyz under the names that they have in every extension.
func addChecks(mgr manager.Manager) error {
	for _, check := range []struct {
		name  string
		add   func(string, healthz.Checker) error
		check healthz.Checker
	}{
		{"ping", mgr.AddHealthzCheck, healthz.Ping},
		{"informer-sync", mgr.AddHealthzCheck, gardenerhealthz.NewCacheSyncHealthzWithDeadline(
			mgr.GetLogger(), clock.RealClock{}, mgr.GetCache(), gardenerhealthz.DefaultCacheSyncDeadline)},
		{"informer-sync", mgr.AddReadyzCheck, gardenerhealthz.NewCacheSyncHealthz(mgr.GetCache())},
		{"webhook-server", mgr.AddReadyzCheck, mgr.GetWebhookServer().StartedChecker()},
	} {
		if err := check.add(check.name, check.check); err != nil {
			return fmt.Errorf("adding the check %s: %w", check.name, err)
		}
	}
	return nil
}

// newControllers names the controllers for --controllers and --disable-controllers. They read the other options when they
// are added, when these are complete.
func (o *options) newControllers() *controllercmd.SwitchOptions {
	return controllercmd.NewSwitchOptions(
		controllercmd.Switch(registrycache.ControllerName, func(ctx context.Context, mgr manager.Manager) error {
			return registrycache.AddToManager(ctx, mgr, o.program.Registry(), o.addArgs())
		}),
		controllercmd.Switch(registrymirror.ControllerName, func(ctx context.Context, mgr manager.Manager) error {
			return registrymirror.AddToManager(ctx, mgr, o.addArgs())
		}),
		controllercmd.Switch(heartbeat.ControllerName, func(ctx context.Context, mgr manager.Manager) error {
			o.heartbeat.Completed().Apply(&heartbeat.DefaultAddOptions)
			return heartbeat.AddToManager(ctx, mgr)
		}),
	)
}

// addArgs are what a deployer decides of either controller of Extensions.
func (o *options) addArgs() extension.AddArgs {
	args := extension.AddArgs{
		IgnoreOperationAnnotation: o.reconciler.Completed().IgnoreOperationAnnotation,
		ExtensionClasses:          o.general.Completed().ExtensionClasses,
	}
	o.controller.Completed().Apply(&args.ControllerOptions)
	return args
}
