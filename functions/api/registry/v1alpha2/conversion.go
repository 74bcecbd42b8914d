package v1alpha2

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// ToV1alpha3 converts to the hub. This version knows no TLS, so http.tls becomes false, and its garbage collection
// switch becomes a TTL of 168h or 0s; an empty garbageCollection stays one, so that the same warning applies.
func (c *RegistryConfig) ToV1alpha3() *v1alpha3.RegistryConfig {
	hub := &v1alpha3.RegistryConfig{TypeMeta: metav1.TypeMeta{APIVersion: v1alpha3.GroupName + "/v1alpha3", Kind: c.Kind}}
	for i := range c.Caches {
		hub.Caches = append(hub.Caches, c.Caches[i].toV1alpha3())
	}
	return hub
}

func (c *RegistryCache) toV1alpha3() v1alpha3.RegistryCache {
	tls := false
	hub := v1alpha3.RegistryCache{
		Upstream:            c.Upstream,
		SecretReferenceName: c.SecretReferenceName,
		HTTP:                &v1alpha3.HTTP{TLS: &tls},
	}
	if c.Volume != nil {
		hub.Volume = &v1alpha3.Volume{Size: c.Volume.Size, StorageClassName: c.Volume.StorageClassName}
	}
	if c.GarbageCollection != nil {
		hub.GarbageCollection = v1alpha3.GarbageCollectionSwitch(c.GarbageCollection.Enabled)
	}
	return hub
}
