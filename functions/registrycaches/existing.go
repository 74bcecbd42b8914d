package registrycaches

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// checkExisting compares the config with StatefulSets of ours among the items: Kubernetes would refuse the change of an
// immutable field only when the manifests are applied, after the rest has been applied already.
func (c *config) checkExisting(items []manifest.Object, mark string) (list fault.List) {
	for i := range c.registry.Caches {
		cache := &c.registry.Caches[i]
		for _, item := range items {
			if c.isOurs(item, cache, mark) {
				list = append(list, compareClaim(item, cache)...)
			}
		}
	}
	return list
}

// isOurs recognises the StatefulSet by our mark, wherever a later function moved it, or by its place and label.
func (c *config) isOurs(item manifest.Object, cache *v1alpha3.RegistryCache, mark string) bool {
	if item.Kind() != "StatefulSet" || item.Name() != names.Object(cache.Upstream) {
		return false
	}
	if marked := item.Annotation(v1alpha1.GeneratedByAnnotation); marked != "" {
		return marked == mark
	}
	return item.Namespace() == c.namespace() && item.Label(labelUpstreamHost) == names.UpstreamLabel(cache.Upstream)
}

func compareClaim(item manifest.Object, cache *v1alpha3.RegistryCache) (list fault.List) {
	refuse := func(field string, value any, message string) {
		list = append(list, fault.Fault{
			Severity: fault.Error, Cause: fault.Item, Field: field, Value: value, Message: message,
			Object: &fault.Object{
				APIVersion: item.APIVersion(), Kind: item.Kind(), Namespace: item.Namespace(), Name: item.Name(),
				Path: item.Annotation("config.kubernetes.io/path"),
			},
		})
	}
	if name := manifest.Text(item, "spec", "serviceName"); name != "" {
		refuse("spec.serviceName", name, fmt.Sprintf("field is immutable and must be empty: this StatefulSet is from before v0.18 of "+
			"gardener-extension-registry-cache; remove the cache for %q and add it again", cache.Upstream))
	}
	claim := claimTemplate(item)
	const path = "spec.volumeClaimTemplates[" + volumeCache + "].spec."
	size := manifest.Text(claim, "spec", "resources", "requests", "storage")
	if have, err := resource.ParseQuantity(size); err == nil && have.Cmp(*cache.Volume.Size) != 0 {
		refuse(path+"resources.requests.storage", size, fmt.Sprintf("field is immutable, the config for %q asks for %s: "+
			"set volume.size to %s, or remove the cache and add it again, which deletes what is cached", cache.Upstream, cache.Volume.Size, size))
	}
	class, wanted := manifest.Text(claim, "spec", "storageClassName"), ""
	if cache.Volume.StorageClassName != nil {
		wanted = *cache.Volume.StorageClassName
	}
	if class != wanted {
		refuse(path+"storageClassName", class, fmt.Sprintf("field is immutable, the config for %q asks for %q: "+
			"set volume.storageClassName to %q, or remove the cache and add it again, which deletes what is cached", cache.Upstream, wanted, class))
	}
	return list
}
