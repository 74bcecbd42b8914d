// Package registrycaches renders the caches of a RegistryConfig: for each upstream a StatefulSet, a Service, Secrets and
// what its options ask for, beside them what all caches share, and on a plain cluster the node configurator. It serves the
// kinds RegistryConfig, of any version, and RegistryCaches.
package registrycaches

import (
	"slices"
	"strings"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/shape"
)

// Render returns the objects of a config, in no order yet. Of the items it reads Secrets that the config refers to, and
// StatefulSets of ours, whose immutable fields must stay; it changes none. The list holds all faults of the input,
// warnings and information too; objects come only if none of them is an error. Another error is a defect of this module.
func Render(in input.Config, items []manifest.Object) ([]manifest.Object, fault.List, error) {
	c, list := decodeConfig(in)
	if c.registry == nil {
		return nil, list, nil
	}
	found, faults := c.findSecrets(items)
	if list.OrNil() == nil {
		// With a faulty config its defaults would be compared, and not what the user meant.
		faults = append(faults, c.checkExisting(items, in.Mark())...)
	}
	list = append(list, faults...)
	if list.OrNil() != nil {
		return nil, list, nil
	}
	objects, err := c.common()
	if err != nil {
		return nil, nil, err
	}
	for i := range c.registry.Caches {
		cache, err := c.cache(&c.registry.Caches[i], &found[i])
		if err != nil {
			return nil, nil, err
		}
		objects = append(objects, cache...)
	}
	nodes, err := c.nodes(in.Name)
	if err != nil {
		return nil, nil, err
	}
	return append(objects, nodes...), list, nil
}

// common returns what all caches share: the NetworkPolicy, and on platform standalone the Namespace and the issuer of certificates.
func (c *config) common() ([]manifest.Object, error) {
	components := []string{string(c.Platform)}
	if c.wantsIssuer() {
		components = append([]string{issuerComponent}, components...)
	}
	objects, err := shape.Get(shape.NewKey("common", components...))
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.Kind() == "Namespace" {
			o.SetName(c.namespace())
		} else {
			o.SetNamespace(c.namespace())
		}
	}
	return slices.DeleteFunc(objects, isSystemNamespace), nil
}

// isSystemNamespace recognises namespaces that every cluster has: to label them, or to delete them with the caches, is not
// for us.
func isSystemNamespace(o manifest.Object) bool {
	return o.Kind() == "Namespace" && (o.Name() == "default" || strings.HasPrefix(o.Name(), "kube-"))
}

// shapeKey says of which Components a cache is made. The platform's comes last, since it also changes what the others add.
func (c *config) shapeKey(cache *v1alpha3.RegistryCache) shape.Key {
	shoot := c.Platform == v1alpha1.PlatformShoot
	var components []string
	add := func(wanted bool, name string) {
		if wanted {
			components = append(components, name)
		}
	}
	add(c.Registry == v1alpha1.RegistryDistribution, "distribution")
	add(c.mountsCredentials(cache) && shoot, "credentials-shoot")
	add(c.mountsCredentials(cache) && !shoot, "credentials")
	add(cache.TLSEnabled() && shoot, "tls-shoot")
	add(cache.TLSEnabled() && !shoot, "tls")
	add(c.wantsCertificate(cache), certificateComponent)
	add(cache.HighlyAvailable() && shoot, "high-availability-shoot")
	add(cache.HighlyAvailable() && !shoot, "high-availability")
	add(cache.Proxy != nil, "proxy")
	add(c.VerticalPodAutoscaler, "vertical-pod-autoscaler")
	add(true, string(c.Platform))
	return shape.NewKey("cache", components...)
}
