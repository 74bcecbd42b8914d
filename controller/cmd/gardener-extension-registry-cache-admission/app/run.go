package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gardener/gardener/extensions/pkg/util"
	coreinstall "github.com/gardener/gardener/pkg/apis/core/install"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	gardenerhealthz "github.com/gardener/gardener/pkg/healthz"
	"k8s.io/client-go/rest"
	componentbaseconfigv1alpha1 "k8s.io/component-base/config/v1alpha1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// run serves the webhooks. Two clusters take part: the garden cluster, whose Shoots are validated, and the source cluster,
// which we run in and which has the certificates' Secrets and the leader election.
func (o *options) run(ctx context.Context) error {
	source, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("configuring the cluster that this runs in: %w", err)
	}
	mgr, err := o.newManager(source)
	if err != nil {
		return err
	}
	sourceCluster, err := o.addSourceCluster(mgr, source)
	if err != nil {
		return err
	}
	if _, err := o.webhook.Completed().AddToManager(ctx, mgr, sourceCluster); err != nil {
		return fmt.Errorf("adding webhooks: %w", err)
	}
	if err := addChecks(mgr, sourceCluster); err != nil {
		return fmt.Errorf("adding health checks: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running the manager: %w", err)
	}
	return nil
}

// newManager returns the manager of the garden cluster. The limits are those of gardener's own admission components; the
// defaults of the client would queue the reading of Secrets after the tenth.
func (o *options) newManager(source *rest.Config) (manager.Manager, error) {
	garden := o.rest.Completed().Config
	util.ApplyClientConnectionConfigurationToRESTConfig(
		&componentbaseconfigv1alpha1.ClientConnectionConfiguration{QPS: 100, Burst: 130}, garden)
	managerOptions := o.manager.Completed().Options()
	managerOptions.LeaderElectionConfig = source
	mgr, err := manager.New(garden, managerOptions)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	coreinstall.Install(mgr.GetScheme())
	return mgr, nil
}

// addSourceCluster adds the cluster that we run in, with a cache of the one namespace where we may read Secrets.
func (o *options) addSourceCluster(mgr manager.Manager, config *rest.Config) (cluster.Cluster, error) {
	namespace := cmp.Or(o.webhook.Server.Namespace, v1beta1constants.GardenNamespace)
	source, err := cluster.New(config, func(opts *cluster.Options) {
		opts.Logger = log
		opts.Cache.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	})
	if err != nil {
		return nil, fmt.Errorf("making the source cluster: %w", err)
	}
	if err := mgr.Add(source); err != nil {
		return nil, fmt.Errorf("adding the source cluster: %w", err)
	}
	return source, nil
}

// addChecks adds what /healthz and /readyz look at. A cache that has not synced for long makes the pod unhealthy too.
func addChecks(mgr manager.Manager, source cluster.Cluster) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	caches := map[string]cache.Cache{"informer-sync": mgr.GetCache(), "source-informer-sync": source.GetCache()}
	for name, synced := range caches {
		deadline := gardenerhealthz.NewCacheSyncHealthzWithDeadline(mgr.GetLogger(), clock.RealClock{}, synced, gardenerhealthz.DefaultCacheSyncDeadline)
		if err := mgr.AddHealthzCheck(name, deadline); err != nil {
			return err
		}
		if err := mgr.AddReadyzCheck(name, gardenerhealthz.NewCacheSyncHealthz(synced)); err != nil {
			return err
		}
	}
	return mgr.AddReadyzCheck("webhook-server", mgr.GetWebhookServer().StartedChecker())
}
