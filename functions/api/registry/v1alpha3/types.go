package v1alpha3

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RegistryConfig says which upstream registries are cached. It is the providerConfig of the Shoot extension
// "registry-cache" and a functionConfig of registry-cache-fn.
// +k8s:openapi-gen=true
type RegistryConfig struct {
	metav1.TypeMeta `json:",inline"`

	// Caches lists the upstream registries to cache, at least one.
	// +k8s:validation:minItems=1
	Caches []RegistryCache `json:"caches"`
}

// RegistryCache describes the cache of one upstream registry.
// +k8s:openapi-gen=true
type RegistryCache struct {
	// Upstream is the registry as it is written in image names: "host" or "host:port", for example "docker.io" or
	// "my-registry.io:5000". Renaming it removes one cache and adds another.
	Upstream string `json:"upstream"`
	// RemoteURL is where the cache fetches from: "scheme://host[:port]" with scheme http or https.
	// Default: "https://" and the upstream; for docker.io "https://registry-1.docker.io".
	// +optional
	RemoteURL *string `json:"remoteURL,omitempty"`
	// Volume is the claim that holds the cached content. It cannot be changed afterwards.
	// +optional
	Volume *Volume `json:"volume,omitempty"`
	// GarbageCollection says how long content is kept. Default: 168h.
	// +optional
	GarbageCollection *GarbageCollection `json:"garbageCollection,omitempty"`
	// SecretReferenceName names the Secret with the credentials (data entries username and password) for the upstream.
	// +optional
	SecretReferenceName *string `json:"secretReferenceName,omitempty"`
	// Proxy holds the proxies through which the cache reaches its upstream.
	// +optional
	Proxy *Proxy `json:"proxy,omitempty"`
	// HTTP says how the cache is served. Default: with TLS in the Gardener API, without on a plain cluster.
	// +optional
	HTTP *HTTP `json:"http,omitempty"`
	// HighAvailability says whether the cache runs with two replicas. Default: one.
	// +optional
	HighAvailability *HighAvailability `json:"highAvailability,omitempty"`
	// ServiceNameSuffix names the Service "registry-<suffix>" instead of a name derived from the upstream.
	// It is a DNS label of 54 characters at most.
	// +optional
	ServiceNameSuffix *string `json:"serviceNameSuffix,omitempty"`
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

// GarbageCollection says how long a cache keeps content.
// +k8s:openapi-gen=true
type GarbageCollection struct {
	// TTL is how long content is kept after it was fetched, a Go duration such as "168h". "0s" keeps it for ever, and so
	// does leaving the field out of a garbageCollection that is given.
	// +optional
	TTL *metav1.Duration `json:"ttl,omitempty"`
}

// Proxy holds the proxies through which a cache reaches its upstream.
// +k8s:openapi-gen=true
type Proxy struct {
	// HTTPProxy is the proxy for http upstreams: "scheme://host[:port]".
	// +optional
	HTTPProxy *string `json:"httpProxy,omitempty"`
	// HTTPSProxy is the proxy for https upstreams: "scheme://host[:port]".
	// +optional
	HTTPSProxy *string `json:"httpsProxy,omitempty"`
}

// HTTP says how a cache is served to the nodes.
// +k8s:openapi-gen=true
type HTTP struct {
	// TLS says whether the cache is served with https. Leaving it out of an http that is given means false.
	// +optional
	TLS *bool `json:"tls,omitempty"`
}

// HighAvailability says how many replicas a cache has.
// +k8s:openapi-gen=true
type HighAvailability struct {
	// Enabled runs two replicas, each with a volume of its own. Default: false.
	// +optional
	Enabled bool `json:"enabled"`
}

// RegistryStatus says where the caches can be reached. It is the providerStatus of the Extension.
// +k8s:openapi-gen=true
type RegistryStatus struct {
	metav1.TypeMeta `json:",inline"`

	// CASecretName names the Secret that holds the CA bundle of the caches; nil when no cache has TLS.
	// +optional
	CASecretName *string `json:"caSecretName,omitempty"`
	// Caches has one entry per cache, in the order of the RegistryConfig.
	Caches []RegistryCacheStatus `json:"caches"`
}

// RegistryCacheStatus says where one cache can be reached.
// +k8s:openapi-gen=true
type RegistryCacheStatus struct {
	// Upstream is the upstream registry as in the RegistryConfig.
	Upstream string `json:"upstream"`
	// Endpoint is the cache's address "scheme://<cluster-ip>:5000", an IPv6 address in brackets.
	Endpoint string `json:"endpoint"`
	// RemoteURL is where the cache fetches from.
	RemoteURL string `json:"remoteURL"`
}
