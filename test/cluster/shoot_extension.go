package cluster

import (
	"context"
	"fmt"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	v1beta1constants "github.com/gardener/gardener/pkg/apis/core/v1beta1/constants"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	"github.com/gardener/gardener/pkg/component/extensions/extension"
	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// waitInterval is how often gardenlet's own waits look; gardenlet looks every 5 seconds.
const waitInterval = 200 * time.Millisecond

// ApplyExtension writes the Extension of a type (which is its name too) with a providerConfig, JSON or nil, and asks for a
// reconciliation, as gardenlet does. [Shoot.WaitReady] and [Shoot.WaitError] then tell how this one ended.
func (s *Shoot) ApplyExtension(ctx context.Context, extensionType string, providerConfig []byte) error {
	if err := s.awaitNewSecond(ctx, extensionType); err != nil {
		return err
	}
	if err := s.gardenlet(extensionType, providerConfig).Deploy(ctx); err != nil {
		return fmt.Errorf("applying the Extension %s of shoot %s: %w", extensionType, s.Name, err)
	}
	return nil
}

// Extension returns the Extension of a type as it is now.
func (s *Shoot) Extension(ctx context.Context, extensionType string) (*extensionsv1alpha1.Extension, error) {
	object := s.emptyExtension(extensionType)
	if err := s.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return nil, fmt.Errorf("reading the Extension %s of shoot %s: %w", extensionType, s.Name, err)
	}
	return object, nil
}

// WaitReady waits until what was asked for last (reconcile or restore) has succeeded. The error is gardenlet's: an Extension that
// reports errors for 30 seconds, or has not succeeded after 3 minutes.
func (s *Shoot) WaitReady(ctx context.Context, extensionType string) error {
	return s.gardenlet(extensionType, nil).Wait(ctx)
}

// WaitError waits until what was asked for last has failed, once, and returns the error and its codes.
func (s *Shoot) WaitError(ctx context.Context, extensionType string) (*gardencorev1beta1.LastError, error) {
	var lastError *gardencorev1beta1.LastError
	what := fmt.Sprintf("the Extension %s of shoot %s has failed", extensionType, s.Name)
	err := until(ctx, what, func(ctx context.Context) (bool, error) {
		object, err := s.Extension(ctx, extensionType)
		if err != nil {
			return false, err
		}
		operation := object.Status.LastOperation
		lastError = object.Status.LastError
		failed := operation != nil && operation.State == gardencorev1beta1.LastOperationStateError && lastError != nil
		if !failed || !pickedUp(object) {
			return false, fmt.Errorf("its last operation is %+v", operation)
		}
		return true, nil
	})
	return lastError, err
}

// pickedUp says whether the last operation is one that began after gardenlet had asked for one, to the second. The
// annotation of a reconciliation goes when it begins.
func pickedUp(object *extensionsv1alpha1.Extension) bool {
	if object.Annotations[v1beta1constants.GardenerOperation] == v1beta1constants.GardenerOperationReconcile {
		return false
	}
	asked, err := time.Parse(time.RFC3339Nano, object.Annotations[v1beta1constants.GardenerTimestamp])
	return err == nil && !object.Status.LastOperation.LastUpdateTime.Time.Before(asked.Truncate(time.Second))
}

// DeleteExtension confirms and begins the deletion of an Extension, as gardenlet does.
func (s *Shoot) DeleteExtension(ctx context.Context, extensionType string) error {
	if err := s.gardenlet(extensionType, nil).Destroy(ctx); err != nil {
		return fmt.Errorf("deleting the Extension %s of shoot %s: %w", extensionType, s.Name, err)
	}
	return nil
}

// WaitDeleted waits until an Extension is gone, for 3 minutes at most.
func (s *Shoot) WaitDeleted(ctx context.Context, extensionType string) error {
	return s.gardenlet(extensionType, nil).WaitCleanup(ctx)
}

// MigrateExtension does what gardenlet does in the seed that a shoot leaves: it asks for a migration, waits until that has
// succeeded, and deletes the Extension, which the extension then lets go.
func (s *Shoot) MigrateExtension(ctx context.Context, extensionType string) error {
	gardenlet := s.gardenlet(extensionType, nil)
	for _, step := range []func(context.Context) error{
		gardenlet.MigrateBeforeKubeAPIServer,
		gardenlet.WaitMigrateBeforeKubeAPIServer,
		gardenlet.Destroy,
		gardenlet.WaitCleanup,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("migrating the Extension %s of shoot %s: %w", extensionType, s.Name, err)
		}
	}
	return nil
}

// RestoreExtension does what gardenlet does in the seed that a shoot moves to: it creates the Extension, gives it the state
// that the other seed left (none if state is nil) and asks for its restoration. [Shoot.WaitReady] waits for that.
func (s *Shoot) RestoreExtension(ctx context.Context, extensionType string, providerConfig []byte, state *gardencorev1beta1.ShootState) error {
	if state == nil {
		state = &gardencorev1beta1.ShootState{}
	}
	if err := s.gardenlet(extensionType, providerConfig).RestoreAfterKubeAPIServer(ctx, state); err != nil {
		return fmt.Errorf("restoring the Extension %s of shoot %s: %w", extensionType, s.Name, err)
	}
	return nil
}

// gardenlet returns the component with which gardenlet itself handles Extensions.
func (s *Shoot) gardenlet(extensionType string, providerConfig []byte) extension.Interface {
	desired := extension.Extension{Extension: *s.emptyExtension(extensionType), Timeout: extension.DefaultTimeout}
	desired.Spec.Type = extensionType
	if providerConfig != nil {
		desired.Spec.ProviderConfig = &runtime.RawExtension{Raw: providerConfig}
	}
	values := &extension.Values{Namespace: s.Namespace, Extensions: map[string]extension.Extension{extensionType: desired}}
	return extension.New(logr.Discard(), s.client, values, waitInterval, extension.DefaultSevereThreshold, extension.DefaultTimeout)
}

func (s *Shoot) emptyExtension(extensionType string) *extensionsv1alpha1.Extension {
	return &extensionsv1alpha1.Extension{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: extensionType}}
}

// awaitNewSecond waits for the next second if the last operation ended in this one. Times in a status have no fractions:
// an operation that ended in the same second as gardenlet asks for the next one is taken for that. Gardenlet, which looks
// every 5 seconds, does not notice.
func (s *Shoot) awaitNewSecond(ctx context.Context, extensionType string) error {
	object := s.emptyExtension(extensionType)
	if err := s.client.Get(ctx, client.ObjectKeyFromObject(object), object); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the Extension %s of shoot %s: %w", extensionType, s.Name, err)
	}
	if object.Status.LastOperation == nil {
		return nil
	}
	next := object.Status.LastOperation.LastUpdateTime.Add(time.Second)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Until(next)):
		return nil
	}
}
