// Package v1alpha2 is a retired version of the API group registry.extensions.gardener.cloud that running landscapes may
// still hold. It converts to the hub, v1alpha3.
package v1alpha2

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RegistryConfig says which upstream registries are cached.
// +k8s:openapi-gen=true
type RegistryConfig struct {
	metav1.TypeMeta `json:",inline"`

	// Caches lists the upstream registries to cache, at least one.
	// +k8s:validation:minItems=1
	Caches []RegistryCache `json:"caches"`
}

// RegistryCache describes the cache of one upstream registry. This version knows no TLS: its caches are served with
// plain http.
// +k8s:openapi-gen=true
type RegistryCache struct {
	// Upstream is the registry as it is written in image names: "host" or "host:port".
	Upstream string `json:"upstream"`
	// Volume is the claim that holds the cached content. It cannot be changed afterwards.
	// +optional
	Volume *Volume `json:"volume,omitempty"`
	// GarbageCollection says whether content is removed after 168h. Default: enabled.
	// +optional
	GarbageCollection *GarbageCollection `json:"garbageCollection,omitempty"`
	// SecretReferenceName names the Secret with the credentials (data entries username and password) for the upstream.
	// +optional
	SecretReferenceName *string `json:"secretReferenceName,omitempty"`
}

// Volume describes the persistent volume claim of a cache.
// +k8s:openapi-gen=true
type Volume struct {
	// Size is the size of the claim, a Kubernetes quantity. Default: 10Gi. Immutable.
	// +optional
	Size *resource.Quantity `json:"size,omitempty"`
	// StorageClassName is the claim's storage class. Default: the cluster's default class. Immutable.
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
}

// GarbageCollection switches the removal of old content.
// +k8s:openapi-gen=true
type GarbageCollection struct {
	// Enabled removes content 168h after it was fetched; false, or leaving it out, keeps it for ever.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// RegistryStatus says where the caches can be reached.
// +k8s:openapi-gen=true
type RegistryStatus struct {
	metav1.TypeMeta `json:",inline"`

	// Caches has one entry per cache.
	Caches []RegistryCacheStatus `json:"caches"`
}

// RegistryCacheStatus says where one cache can be reached.
// +k8s:openapi-gen=true
type RegistryCacheStatus struct {
	// Upstream is the upstream registry as in the RegistryConfig.
	Upstream string `json:"upstream"`
	// Endpoint is the cache's address "http://<cluster-ip>:5000".
	Endpoint string `json:"endpoint"`
}
