package registrycaches

import (
	"net"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/guard"
	"github.com/registry-cache/registry-cache/functions/containerdregistries/nodeconfigurator"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// cachePort is the port of every Service.
const cachePort = "5000"

// nodes returns the node configurator of platform standalone, unless it is not wanted; on a shoot the webhook configures the
// nodes. configName is the config's own name.
func (c *config) nodes(configName string) ([]manifest.Object, error) {
	if c.Platform != v1alpha1.PlatformStandalone || c.Nodes != nil && c.Nodes.Enabled != nil && !*c.Nodes.Enabled {
		return nil, nil
	}
	v := nodeconfigurator.Values{Name: nodeconfigurator.Name("", configName), Namespace: c.namespace()}
	if c.Nodes != nil {
		v.Image = c.Nodes.Image
	}
	for i := range c.registry.Caches {
		cache := &c.registry.Caches[i]
		v.Registries = append(v.Registries, guard.Registry{
			Upstream: cache.Upstream, Endpoint: c.endpoint(cache), Server: RemoteURL(cache),
		})
		if cache.TLSEnabled() {
			// Its ca.crt, where cert-manager puts the authority's certificate.
			v.CASecrets = append(v.CASecrets, names.TLSSecret(cache.Upstream))
		}
	}
	return nodeconfigurator.Render(v)
}

// endpoint is where a node reaches the cache: the pinned address, else the Service's name. The name has no namespace, for a
// pod of the same namespace needs none, and the namespace may be changed afterwards by tools that do not know arguments.
func (c *config) endpoint(cache *v1alpha3.RegistryCache) string {
	host := names.Service(cache.Upstream, cache.ServiceNameSuffix)
	if address := c.pins[cache.Upstream]; address != "" {
		host = address
	}
	return Endpoint(cache, host)
}

// Endpoint is the URL of a cache whose Service is reached at host, a name or an address.
func Endpoint(cache *v1alpha3.RegistryCache, host string) string {
	scheme := "http"
	if cache.TLSEnabled() {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, cachePort)
}
