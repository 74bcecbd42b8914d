package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/kubernetes/health"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
)

// passTimeout bounds one reconciliation of all shoots.
const passTimeout = 30 * time.Minute

// upstreams are the first ones; a shoot with more caches has invented ones.
var upstreams = []string{"docker.io", "quay.io", "ghcr.io", "registry.k8s.io", "gcr.io"}

// providerConfig returns the same caches for each shoot.
func (o options) providerConfig() ([]byte, error) {
	var caches []map[string]any
	for i := range o.caches {
		upstream := fmt.Sprintf("registry-%d.example.io", i)
		if i < len(upstreams) {
			upstream = upstreams[i]
		}
		caches = append(caches, map[string]any{
			"upstream": upstream, "volume": map[string]any{"size": "10Gi"}, "http": map[string]any{"tls": o.tls},
		})
	}
	return json.Marshal(map[string]any{
		"apiVersion": "registry.extensions.gardener.cloud/v1alpha3", "kind": "RegistryConfig", "caches": caches,
	})
}

// reconcileAll does for all shoots what gardenlet does when it reconciles one, all at once, and waits until all are done.
func (w *world) reconcileAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	config, err := w.providerConfig()
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, s := range w.shoots {
		group.Go(func() error { return s.ApplyExtension(groupCtx, extensionType, config) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return w.awaitAll(ctx)
}

// awaitAll waits until all Extensions have succeeded since they were asked to, and the extension has nothing more to do.
func (w *world) awaitAll(ctx context.Context) error {
	var unready error
	err := wait.PollUntilContextCancel(ctx, 500*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		unready = w.unready(ctx)
		if err := w.alive(); err != nil || unready != nil {
			return false, err
		}
		values, err := w.extension.scrape(ctx)
		return values.active == 0 && values.queued == 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the Extensions of all shoots (%w): %w; the extension printed last: %s", unready, err, w.extension.lastWords())
	}
	time.Sleep(time.Second) // for the last lines of the audit log
	return nil
}

// unready says why one of the Extensions is not ready, from the cache.
func (w *world) unready(ctx context.Context) error {
	list := &extensionsv1alpha1.ExtensionList{}
	if err := w.manager.GetCache().List(ctx, list); err != nil {
		return err
	}
	if len(list.Items) < len(w.shoots) {
		return fmt.Errorf("%d of %d are seen", len(list.Items), len(w.shoots))
	}
	for i := range list.Items {
		if err := readySinceAsked(&list.Items[i]); err != nil {
			return fmt.Errorf("%s: %w", list.Items[i].Namespace, err)
		}
	}
	return nil
}

// readySinceAsked is gardenlet's own check: the last operation has succeeded, and is not older than the request.
func readySinceAsked(object *extensionsv1alpha1.Extension) error {
	if err := health.CheckExtensionObject(object); err != nil {
		return err
	}
	asked, err := time.Parse(time.RFC3339Nano, object.Annotations[v1beta1constants.GardenerTimestamp])
	if err != nil {
		return fmt.Errorf("reading the time of the request: %w", err)
	}
	if object.Status.LastOperation.LastUpdateTime.Time.Before(asked.Truncate(time.Second)) {
		return errors.New("its last operation is from before the request")
	}
	return nil
}
