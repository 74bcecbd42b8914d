package registrycaches

import (
	"fmt"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// RenderServices returns the Services that Render returns, and nothing else. It serves a caller that has no key pairs yet,
// because the certificates name the addresses that the Services are still to get. Everything but the key pairs is checked as
// Render checks it, so that nothing is deployed of a config that cannot be rendered as a whole.
func RenderServices(in input.Config, items []manifest.Object) ([]manifest.Object, fault.List, error) {
	c, list := decodeConfig(in)
	if c.registry == nil {
		return nil, list, nil
	}
	_, faults := c.findAllCredentials(items)
	if list.OrNil() == nil {
		faults = append(faults, c.checkExisting(items, in.Mark())...)
	}
	list = append(list, faults...)
	if list.OrNil() != nil {
		return nil, list, nil
	}
	var services []manifest.Object
	for i := range c.registry.Caches {
		service, err := c.service(&c.registry.Caches[i])
		if err != nil {
			return nil, nil, err
		}
		services = append(services, service)
	}
	return services, list, nil
}

// service returns the Service of one cache.
func (c *config) service(cache *v1alpha3.RegistryCache) (manifest.Object, error) {
	objects, err := shape.Get(c.shapeKey(cache))
	if err != nil {
		return nil, err
	}
	f := &filling{config: c, cache: cache, name: names.Object(cache.Upstream), objects: objects}
	f.identify()
	if err := f.fillService(); err != nil {
		return nil, fmt.Errorf("filling in the Service for %q: %w", cache.Upstream, err)
	}
	return f.one("Service")
}
