package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// world is everything that is real or played around the extension.
type world struct {
	options
	*cluster.Cluster
	dir      string // for what the API server is told in files
	requests *requests
	manager  manager.Manager // of the played resource-managers; its cache also has the Extensions
	shoots   []*shoot
	// clusterBytes is the size of all Cluster objects.
	clusterBytes int
	extension    *measured
	// cancel ends the played resource-managers, and failed has their error.
	cancel context.CancelFunc
	failed chan error
}

// newWorld starts the cluster, the played parts and the extension, and creates the shoots, which have no Extension yet.
func newWorld(ctx context.Context, o options) (*world, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &world{options: o, requests: newRequests(), cancel: cancel, failed: make(chan error, 1)}
	for _, step := range []func(context.Context) error{
		w.startCluster, w.startResourceManagers, w.createShoots, w.startExtension,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, w.stop())
		}
	}
	return w, nil
}

// startCluster starts the API server with an audit log. The controller manager is ended as soon as the cluster is ready: the
// extension never sees what that would make of thousands of Services and namespaces.
func (w *world) startCluster(ctx context.Context) (err error) {
	if w.dir, err = os.MkdirTemp("", "scale-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	args, err := w.requests.listenToAudit(w.dir)
	if err != nil {
		return err
	}
	if w.Cluster, err = cluster.Start(ctx, cluster.Options{WithoutResourceManager: true, APIServerArgs: args}); err != nil {
		return err
	}
	return w.Process(cluster.ControllerManager).Stop(10 * time.Second)
}

// startResourceManagers starts the played resource-managers in this process.
func (w *world) startResourceManagers(ctx context.Context) error {
	mgr, err := newResourceManagers(w.RESTConfig(), w.Client())
	if err != nil {
		return err
	}
	w.manager = mgr
	go func() { w.failed <- mgr.Start(ctx) }()
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		return errors.New("filling the cache of the played resource-managers: not done")
	}
	return nil
}

// stop ends everything, and says what the extension printed last if it has ended by itself.
func (w *world) stop() error {
	w.cancel()
	var failed []error
	for _, s := range w.shoots {
		if s != nil {
			failed = append(failed, s.server.Close())
		}
	}
	if w.Cluster != nil {
		failed = append(failed, w.Stop())
	}
	return errors.Join(append(failed, w.requests.close(), os.RemoveAll(w.dir))...)
}

// alive returns an error if something that must run has ended.
func (w *world) alive() error {
	select {
	case <-w.extension.Exited():
		return fmt.Errorf("the extension has ended: %s", w.extension.lastWords())
	case err := <-w.failed:
		return fmt.Errorf("running the played resource-managers: %w", err)
	default:
		return nil
	}
}
