package registrycache

import (
	"context"
	"time"

	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
)

// budget is how long one operation may take with all its waits, below the 3 minutes after which gardener's library gives up
// on a reconciliation and says nothing of what it waited for.
const budget = 150 * time.Second

// actuator reconciles Extensions of type registry-cache.
type actuator struct {
	// client reads and writes the seed; what it caches is decided where the manager is made.
	client client.Client
	// events tells the Extension's readers what an operation did that its status does not say.
	events events.EventRecorder
	// registry is the program that the caches run.
	registry fnv1alpha1.Registry
	// images are the images of what runs in the shoot.
	images Images
}

var _ extension.Actuator = (*actuator)(nil)

// step is one part of an operation.
type step struct {
	// name says what the step does, as a participle for errors: "<name>: <cause>".
	name string
	run  func(context.Context) error
}

// Reconcile deploys the caches of an Extension and says in its status where they are.
func (a *actuator) Reconcile(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension) error {
	return a.operate(ctx, log, ex, func(o *operation) []step {
		if v1beta1helper.HibernationIsEnabled(o.cluster.Shoot) {
			// The shoot's API server and its resource-manager are going or gone: whatever was changed would be waited for
			// until the timeout. All of it follows with the reconciliation at wake-up, when nodes are still to come.
			log.Info("Shoot is hibernated, the caches follow when it wakes up")
			return nil
		}
		return []step{
			{"reading the configuration", o.readConfig},
			{"reading the credentials for the upstreams", o.readCredentials},
			{"checking the configuration", o.check},
			{"connecting to the shoot", o.connect},
			{"reading what the shoot has", o.readShoot},
			{"checking the configuration against what the shoot has", o.check},
			{"taking removed upstreams off the nodes", o.cleanRemoved},
			{"deploying the Services", o.deployServices},
			{"issuing the certificates", o.issueCertificates},
			{"deploying the caches", o.deployCaches},
			{"deploying the monitoring", o.reconcileMonitoring},
			{"writing the status", o.writeStatus},
			// Only now do nodes that ask learn of a new CA bundle; the old one must not go before.
			{"removing unused certificates", o.removeUnusedCertificates},
		}
	})
}

// Delete removes the caches. Nodes that go on living are cleaned first.
func (a *actuator) Delete(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension) error {
	return a.operate(ctx, log, ex, func(o *operation) []step {
		switch {
		case o.cluster.Shoot.DeletionTimestamp != nil:
			// The nodes are gone already: a cleaner would find none and only cost time.
			return o.removeEverythingAndWait()
		case v1beta1helper.HibernationIsEnabled(o.cluster.Shoot):
			// There are no nodes to clean, and no resource-manager that could delete anything before the wake-up. It will
			// then; the nodes start without the caches, since no OperatingSystemConfig names them any more.
			return o.removeEverything()
		}
		return append([]step{
			{"connecting to the shoot", o.connect},
			{"reading what the shoot has", o.readShoot},
			{"taking all upstreams off the nodes", o.cleanAll},
		}, o.removeEverythingAndWait()...)
	})
}

// ForceDelete removes the caches without waiting for anything: the shoot may not answer any more.
func (a *actuator) ForceDelete(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension) error {
	return a.operate(ctx, log, ex, func(o *operation) []step { return o.removeEverything() })
}

// Migrate leaves everything in the shoot as it is and takes it out of this seed's hands. The certificate authority is
// persisted by gardenlet; the rest is made again by Restore.
func (a *actuator) Migrate(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension) error {
	return a.operate(ctx, log, ex, func(o *operation) []step {
		return []step{
			// Unlike the caches it must not stay in the shoot: it would clean every node that is still to come.
			{"deleting a leftover cleaner", o.deleteLeftoverCleaner},
			{"keeping the objects in the shoot", o.keepObjects},
			{"deleting the ManagedResources", o.deleteManagedResources},
			{"deleting the monitoring", o.deleteMonitoring},
			{"waiting until the ManagedResources are gone", o.waitUntilDeleted},
		}
	})
}

// Restore is a reconciliation in another seed: it finds Services and StatefulSets in the shoot and takes them over.
func (a *actuator) Restore(ctx context.Context, log logr.Logger, ex *extensionsv1alpha1.Extension) error {
	return a.Reconcile(ctx, log, ex)
}

// removeEverything deletes what Reconcile deployed into the seed, and with it what is in the shoot: the cleaner first, which
// would otherwise find its caches gone. It waits for nothing.
func (o *operation) removeEverything() []step {
	return []step{
		{"deleting a leftover cleaner", o.forgetCleaner},
		{"giving up the objects in the shoot", o.dropObjects},
		{"deleting the ManagedResources", o.deleteManagedResources},
		{"deleting the monitoring", o.deleteMonitoring},
		{"removing the certificates", o.removeCertificates},
	}
}

// removeEverythingAndWait does the same with a resource-manager that is there: the objects in the shoot are gone when the
// operation ends.
func (o *operation) removeEverythingAndWait() []step {
	return []step{
		{"deleting a leftover cleaner", o.deleteLeftoverCleaner},
		{"waiting until the ManagedResources are applied", o.awaitBothRecorded},
		{"giving up the objects in the shoot", o.dropObjects},
		{"deleting the ManagedResources", o.deleteManagedResources},
		{"deleting the monitoring", o.deleteMonitoring},
		{"waiting until the ManagedResources are gone", o.waitUntilDeleted},
		{"removing the certificates", o.removeCertificates},
	}
}

// purposeTesting says whether a Shoot is for tests, which get no monitoring.
func purposeTesting(shoot *gardencorev1beta1.Shoot) bool {
	return shoot.Spec.Purpose != nil && *shoot.Spec.Purpose == gardencorev1beta1.ShootPurposeTesting
}
