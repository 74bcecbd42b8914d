package v1alpha3

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GroupName is the API group of RegistryConfig and RegistryStatus.
const GroupName = "registry.extensions.gardener.cloud"

const (
	// DefaultTTL is how long content is kept when a config does not mention garbage collection: 7 days.
	DefaultTTL = 168 * time.Hour
	// DefaultVolumeSize is the size of a cache's claim when a config does not give one.
	DefaultVolumeSize = "10Gi"
)

// Default fills in what the config leaves out. tls is the value of http.tls for a cache that does not mention http:
// true in the Gardener API, false on a plain cluster. What is given but empty ("http: {}", "garbageCollection: {}")
// keeps the meaning that it has in the existing extension: TLS off, content kept for ever.
func (c *RegistryConfig) Default(tls bool) {
	for i := range c.Caches {
		c.Caches[i].defaults(tls)
	}
}

func (c *RegistryCache) defaults(tls bool) {
	if c.Volume == nil {
		c.Volume = &Volume{}
	}
	if c.Volume.Size == nil {
		size := resource.MustParse(DefaultVolumeSize)
		c.Volume.Size = &size
	}
	if c.GarbageCollection == nil {
		c.GarbageCollection = &GarbageCollection{TTL: &metav1.Duration{Duration: DefaultTTL}}
	}
	if c.GarbageCollection.TTL == nil {
		c.GarbageCollection.TTL = &metav1.Duration{}
	}
	if c.HTTP == nil {
		c.HTTP = &HTTP{TLS: &tls}
	}
	if c.HTTP.TLS == nil {
		off := false
		c.HTTP.TLS = &off
	}
}

// TLSEnabled says whether the cache is served with https; only meaningful after Default.
func (c *RegistryCache) TLSEnabled() bool {
	return c.HTTP != nil && c.HTTP.TLS != nil && *c.HTTP.TLS
}

// HighlyAvailable says whether the cache runs with two replicas.
func (c *RegistryCache) HighlyAvailable() bool {
	return c.HighAvailability != nil && c.HighAvailability.Enabled
}
