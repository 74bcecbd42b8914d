package registrycache

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
	v1beta1helper "github.com/gardener/gardener/pkg/api/core/v1beta1/helper"
	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/kubernetes/health"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// The ManagedResources of a shoot, under the names that running landscapes have.
const (
	managedResourceServices = "extension-registry-cache-services"
	managedResourceCaches   = "extension-registry-cache"
	managedResourceCleaner  = "extension-registry-configuration-cleaner"

	origin = "registry-cache"
)

// waitDeleted is how long the objects of a ManagedResource may take to go: pods have 30 s to stop, and claims go after them.
const waitDeleted = 75 * time.Second

// waitRecorded is how long the resource-manager may take to apply a ManagedResource that is about to lose objects.
const waitRecorded = 10 * time.Second

// waitNotDeleting is how long a ManagedResource that is being deleted is waited for before it is deployed again.
const waitNotDeleting = 30 * time.Second

// isService is the rule that splits what the pipeline renders: Services go first, for everything else needs their addresses.
func isService(o manifest.Object) bool { return o.Kind() == "Service" && o.APIVersion() == "v1" }

// deployCaches writes everything but the Services into its ManagedResource. The claims go with it when a cache is removed: a
// StatefulSet leaves them behind, and nobody else would know them.
func (o *operation) deployCaches(ctx context.Context) error {
	objects, err := o.render()
	if err != nil {
		return err
	}
	return o.deploy(ctx, managedResourceCaches, slices.DeleteFunc(objects, isService), true)
}

// deploy creates or updates a ManagedResource. Its Secret has a name of its own for every content, so that an unchanged
// content is not written again.
func (o *operation) deploy(ctx context.Context, name string, objects []manifest.Object, deleteClaims bool) error {
	data, err := serialize(objects)
	if err != nil {
		return err
	}
	if err := o.awaitNotDeleting(ctx, name); err != nil {
		return err
	}
	secretName, secret := managedresources.NewSecret(o.client, o.namespace, name, data, true)
	if err := secret.Reconcile(ctx); err != nil {
		return fmt.Errorf("writing the Secret %q of the ManagedResource %q: %w", secretName, name, err)
	}
	resource := managedresources.NewForShoot(o.client, o.namespace, name, origin, false).WithSecretRef(secretName)
	if deleteClaims {
		resource.DeletePersistentVolumeClaims(true)
	}
	// The resource-manager writes the status at any time.
	err = retry.RetryOnConflict(retry.DefaultBackoff, func() error { return resource.Reconcile(ctx) })
	if err != nil {
		return fmt.Errorf("writing the ManagedResource %q: %w", name, err)
	}
	return nil
}

// awaitNotDeleting waits until a ManagedResource that is being deleted is gone. Whatever were written into it would go with
// it: so it is after the caches have been disabled and enabled again while the shoot was hibernated.
func (o *operation) awaitNotDeleting(ctx context.Context, name string) error {
	resource := &resourcesv1alpha1.ManagedResource{}
	if err := o.client.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, resource); err != nil {
		return client.IgnoreNotFound(err)
	}
	if resource.DeletionTimestamp == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, waitNotDeleting)
	defer cancel()
	if err := managedresources.WaitUntilDeleted(ctx, o.client, o.namespace, name); err != nil {
		return fmt.Errorf("the ManagedResource %q is still being deleted, and cannot be deployed before it is gone: %w", name, err)
	}
	return nil
}

// compressors are kept, because a new one allocates 4 MiB, or 11 MiB with the default window of 2^22 bytes. The objects of
// one cache after the other are much the same, and a window of 2^18 bytes has twenty of them.
var compressors = sync.Pool{New: func() any {
	return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotli.DefaultCompression, LGWin: 18})
}}

// serialize makes the data of a ManagedResource's Secret: all objects as one compressed stream of YAML documents, each in
// JSON, in the form that gardener-resource-manager reads.
func serialize(objects []manifest.Object) (map[string][]byte, error) {
	var compressed bytes.Buffer
	compressor, _ := compressors.Get().(*brotli.Writer)
	defer compressors.Put(compressor)
	compressor.Reset(&compressed)
	encoder := json.NewEncoder(compressor)
	for _, object := range objects {
		if _, err := compressor.Write([]byte("---\n")); err != nil {
			return nil, fmt.Errorf("compressing %s: %w", object.ID(), err)
		}
		if err := encoder.Encode(object); err != nil {
			return nil, fmt.Errorf("encoding %s: %w", object.ID(), err)
		}
	}
	if err := compressor.Close(); err != nil {
		return nil, fmt.Errorf("compressing %d objects: %w", len(objects), err)
	}
	return map[string][]byte{resourcesv1alpha1.CompressedDataKey: compressed.Bytes()}, nil
}

// awaitRecorded waits until the resource-manager has written down in the status of a ManagedResource what it applied. It
// deletes what is in the status, and nothing else: deleted or changed between the two, a ManagedResource would leave objects in
// the shoot for good. What cannot be applied, or is not there, is not waited for, and a resource-manager that is slow or gone not
// for ever: it must not keep anything from being removed.
func (o *operation) awaitRecorded(ctx context.Context, name string) error {
	err := poll(ctx, pollInterval/5, waitRecorded, func(ctx context.Context) (bool, error) {
		resource := &resourcesv1alpha1.ManagedResource{}
		if err := o.client.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, resource); err != nil {
			return true, client.IgnoreNotFound(err)
		}
		applied := v1beta1helper.GetCondition(resource.Status.Conditions, resourcesv1alpha1.ResourcesApplied)
		stuck := applied != nil && (applied.Status == gardencorev1beta1.ConditionFalse || applied.Reason == resourcesv1alpha1.ConditionDeletionPending)
		return resource.DeletionTimestamp != nil || stuck || health.CheckManagedResourceApplied(resource) == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the ManagedResource %q is applied: %w", name, err)
	}
	return nil
}

// keepObjects makes the resource-manager leave the objects in the shoot when their ManagedResources go.
func (o *operation) keepObjects(ctx context.Context) error { return o.setKeepObjects(ctx, true) }

// dropObjects makes it delete them. A migration that was begun and given up may have said otherwise.
func (o *operation) dropObjects(ctx context.Context) error { return o.setKeepObjects(ctx, false) }

func (o *operation) setKeepObjects(ctx context.Context, keep bool) error {
	return o.forBoth(func(name string) error {
		return managedresources.SetKeepObjects(ctx, o.client, o.namespace, name, keep)
	})
}

// awaitBothRecorded must come before objects are taken out of the ManagedResources, wherever there is a resource-manager.
func (o *operation) awaitBothRecorded(ctx context.Context) error {
	return o.forBoth(func(name string) error { return o.awaitRecorded(ctx, name) })
}

func (o *operation) deleteManagedResources(ctx context.Context) error {
	return o.forBoth(func(name string) error {
		return managedresources.DeleteForShoot(ctx, o.client, o.namespace, name)
	})
}

func (o *operation) waitUntilDeleted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waitDeleted)
	defer cancel()
	return o.forBoth(func(name string) error {
		return managedresources.WaitUntilDeleted(ctx, o.client, o.namespace, name)
	})
}

// forBoth acts on the caches before their Services, so that no Service outlives its pods for long, and none goes first.
func (o *operation) forBoth(act func(name string) error) error {
	for _, name := range []string{managedResourceCaches, managedResourceServices} {
		if err := act(name); err != nil {
			return fmt.Errorf("ManagedResource %q: %w", name, err)
		}
	}
	return nil
}
