package registrycache

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/registrycaches"
)

// writeStatus says in the Extension's status where the caches are. The webhook reads it, and no node learns of a cache before.
func (o *operation) writeStatus(ctx context.Context) error {
	raw, err := json.Marshal(o.newStatus())
	if err != nil {
		return fmt.Errorf("encoding the providerStatus: %w", err)
	}
	if o.ex.Status.ProviderStatus != nil && decode.SameJSON(o.ex.Status.ProviderStatus.Raw, raw) {
		return nil
	}
	patch := client.MergeFrom(o.ex.DeepCopy())
	o.ex.Status.ProviderStatus = &runtime.RawExtension{Raw: raw}
	if err := o.client.Status().Patch(ctx, o.ex, patch); err != nil {
		return fmt.Errorf("patching the Extension: %w", err)
	}
	return nil
}

// newStatus lists the caches in the order of the config.
func (o *operation) newStatus() v1alpha3.RegistryStatus {
	status := v1alpha3.RegistryStatus{CASecretName: o.caBundle, Caches: []v1alpha3.RegistryCacheStatus{}}
	status.APIVersion, status.Kind = v1alpha3.GroupName+"/v1alpha3", "RegistryStatus"
	for i := range o.config.Caches {
		cache := &o.config.Caches[i]
		status.Caches = append(status.Caches, v1alpha3.RegistryCacheStatus{
			Upstream:  cache.Upstream,
			Endpoint:  registrycaches.Endpoint(cache, o.addresses[cache.Upstream]),
			RemoteURL: registrycaches.RemoteURL(cache),
		})
	}
	return status
}
