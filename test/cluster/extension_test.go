//go:build integration

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	extensionsconfigv1alpha1 "github.com/gardener/gardener/extensions/pkg/apis/config/v1alpha1"
	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	"github.com/gardener/gardener/extensions/pkg/controller/extension"
	"github.com/gardener/gardener/extensions/pkg/util"
	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/registry-cache/registry-cache/test/cluster"
)

const extensionType = "registry-cache"

// TestExtensionLifecycle takes an Extension through its life under gardener's own extension controller.
func TestExtensionLifecycle(t *testing.T) {
	ctx := deadline(t)
	journal := runExtension(t)
	shoot, err := shared.NewShoot(ctx, "lifecycle", func(shoot *gardencorev1beta1.Shoot) { shoot.Spec.Region = "moon" })
	if err != nil {
		t.Fatal(err)
	}
	reconcile(ctx, t, shoot, journal)
	fail(ctx, t, shoot, journal)
	reconcile(ctx, t, shoot, journal)
	succeed(t, "migrating", shoot.MigrateExtension(ctx, extensionType))
	journal.expect(t, "migrate")
	succeed(t, "restoring", shoot.RestoreExtension(ctx, extensionType, []byte(`{}`), nil))
	succeed(t, "waiting for the restoration", shoot.WaitReady(ctx, extensionType))
	journal.expect(t, "restore")
	if err := shoot.Delete(ctx); err == nil {
		t.Error("a shoot that has an Extension was deleted")
	}
	succeed(t, "marking the shoot", shoot.MarkDeleted(ctx, true))
	succeed(t, "deleting", shoot.DeleteExtension(ctx, extensionType))
	succeed(t, "waiting for the deletion", shoot.WaitDeleted(ctx, extensionType))
	journal.expect(t, "force-delete")
	succeed(t, "deleting the shoot", shoot.Delete(ctx))
}

// reconcile reconciles a few times in a row: each wait must be for the reconciliation that was asked for last.
func reconcile(ctx context.Context, t *testing.T, shoot *cluster.Shoot, journal *journal) {
	t.Helper()
	for round := range 3 {
		apply(ctx, t, shoot, fmt.Appendf(nil, `{"round":%d}`, round))
		succeed(t, "waiting until it is ready", shoot.WaitReady(ctx, extensionType))
		journal.expect(t, fmt.Sprintf(`reconcile {"round":%d} in moon`, round))
	}
}

// apply applies an Extension, and fails the test if the end of the last operation could be taken for that of this one.
func apply(ctx context.Context, t *testing.T, shoot *cluster.Shoot, providerConfig []byte) {
	t.Helper()
	var before time.Time
	if object, err := shoot.Extension(ctx, extensionType); err == nil {
		before = object.Status.LastOperation.LastUpdateTime.Time
	}
	succeed(t, "applying", shoot.ApplyExtension(ctx, extensionType, providerConfig))
	object, err := shoot.Extension(ctx, extensionType)
	succeed(t, "reading what was applied", err)
	asked, err := time.Parse(time.RFC3339Nano, object.Annotations[v1beta1constants.GardenerTimestamp])
	succeed(t, "reading when it was applied", err)
	if !asked.Truncate(time.Second).After(before) {
		t.Errorf("the Extension was applied at %s, in the second in which the last operation ended (%s)", asked, before)
	}
}

// fail reconciles a configuration with a fault, and then another.
func fail(ctx context.Context, t *testing.T, shoot *cluster.Shoot, journal *journal) {
	t.Helper()
	for _, fault := range []string{"one", "two"} {
		apply(ctx, t, shoot, fmt.Appendf(nil, `{"fault":%q}`, fault))
		lastError, err := shoot.WaitError(ctx, extensionType)
		succeed(t, "waiting for the error", err)
		if !strings.Contains(lastError.Description, fault) {
			t.Errorf("the error is %q, want it to be about fault %s", lastError.Description, fault)
		}
		want := []gardencorev1beta1.ErrorCode{gardencorev1beta1.ErrorConfigurationProblem}
		if diff := cmp.Diff(want, lastError.Codes); diff != "" {
			t.Errorf("the error's codes differ from what the extension said (-want +got):\n%s", diff)
		}
	}
	journal.forget()
}

func succeed(t *testing.T, step string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", step, err)
	}
}

// journal is an extension that notes what it is asked to do.
type journal struct {
	client client.Client
	lock   sync.Mutex
	notes  []string
}

// runExtension runs a journal under gardener's extension controller until the test ends.
func runExtension(t *testing.T) *journal {
	t.Helper()
	mgr, err := manager.New(shared.RESTConfig(), manager.Options{Scheme: cluster.Scheme, Metrics: metricsserver.Options{BindAddress: "0"}})
	succeed(t, "making a manager", err)
	j := &journal{client: shared.Client()}
	succeed(t, "adding the extension controller", extension.Add(mgr, extension.AddArgs{
		Actuator:         j,
		Name:             "journal",
		FinalizerSuffix:  "journal",
		Predicates:       extension.DefaultPredicates(t.Context(), mgr, false),
		Type:             extensionType,
		ExtensionClasses: []extensionsv1alpha1.ExtensionClass{extensionsv1alpha1.ExtensionClassShoot},
	}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error("running the manager:", err)
		}
	})
	return j
}

// expect fails the test if a thing has not been noted since the last call. Others are no fault of the cluster's: gardener's
// controller may repeat itself, and it reconciles once more after a restoration.
func (j *journal) expect(t *testing.T, want string) {
	t.Helper()
	if notes := j.forget(); !slices.Contains(notes, want) {
		t.Fatalf("the extension was asked for %q, want %q", notes, want)
	}
}

func (j *journal) forget() []string {
	j.lock.Lock()
	defer j.lock.Unlock()
	notes := j.notes
	j.notes = nil
	return notes
}

func (j *journal) note(note string) error {
	j.lock.Lock()
	defer j.lock.Unlock()
	j.notes = append(j.notes, note)
	return nil
}

// Reconcile reads what an extension needs: the Shoot from the Cluster, and the shoot with the kubeconfig in its namespace.
func (j *journal) Reconcile(ctx context.Context, _ logr.Logger, object *extensionsv1alpha1.Extension) error {
	if text := string(object.Spec.ProviderConfig.Raw); strings.Contains(text, "fault") {
		return v1beta1helper.NewErrorWithCodes(errors.New(text), gardencorev1beta1.ErrorConfigurationProblem)
	}
	found, err := extensionscontroller.GetCluster(ctx, j.client, object.Namespace)
	if err != nil {
		return err
	}
	_, shootClient, err := util.NewClientForShoot(ctx, j.client, object.Namespace, client.Options{}, extensionsconfigv1alpha1.RESTOptions{})
	if err != nil {
		return err
	}
	if err := shootClient.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, &corev1.Namespace{}); err != nil {
		return err
	}
	return j.note(fmt.Sprintf("reconcile %s in %s", object.Spec.ProviderConfig.Raw, found.Shoot.Spec.Region))
}

func (j *journal) Delete(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return j.note("delete")
}

func (j *journal) ForceDelete(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return j.note("force-delete")
}

func (j *journal) Restore(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return j.note("restore")
}

func (j *journal) Migrate(context.Context, logr.Logger, *extensionsv1alpha1.Extension) error {
	return j.note("migrate")
}
