package registrycaches

import (
	"fmt"
	"strings"

	"github.com/registry-cache/registry-cache/functions/api/decode"
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
				list = append(list, c.compareClaim(item, cache)...)
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
	return item.Namespace() == c.namespace() && item.Label(names.LabelUpstreamHost) == names.UpstreamLabel(cache.Upstream)
}

// existing is a StatefulSet of ours that is there already, and the cache that it will have to fit.
type existing struct {
	*config
	item  manifest.Object
	cache *v1alpha3.RegistryCache
	list  fault.List
}

func (c *config) compareClaim(item manifest.Object, cache *v1alpha3.RegistryCache) fault.List {
	e := &existing{config: c, item: item, cache: cache}
	if name := manifest.Text(item, "spec", "serviceName"); name != "" {
		e.refuse("spec.serviceName", name, "field is immutable and must be empty: this StatefulSet is from before v0.18 of "+
			"gardener-extension-registry-cache; remove the cache for %q and add it again", cache.Upstream)
	}
	claim := manifest.Map(claimTemplate(item), "spec")
	e.compareSize(claim)
	e.compareClass(claim)
	return e.list
}

const claimPath = "spec.volumeClaimTemplates[" + volumeCache + "].spec."

func (e *existing) compareSize(claim map[string]any) {
	value, given := manifest.Map(claim, "resources", "requests")["storage"]
	if !given {
		return
	}
	const path = claimPath + "resources.requests.storage"
	size := fmt.Sprint(value)
	have, ok := decode.Quantity(size)
	switch {
	case !ok:
		e.refuse(path, size, "must be a quantity such as 10Gi")
	case have.Cmp(*e.cache.Volume.Size) != 0:
		e.refuse(path, size, "field is immutable, the config for %q asks for %s: set %s to %s%s",
			e.cache.Upstream, e.cache.Volume.Size, strings.TrimPrefix(e.userPath(".volume.size"), "."), size, e.otherwise())
	}
}

func (e *existing) compareClass(claim map[string]any) {
	class, wanted := manifest.Text(claim, "storageClassName"), ""
	if e.cache.Volume.StorageClassName != nil {
		wanted = *e.cache.Volume.StorageClassName
	}
	if class == wanted {
		return
	}
	wayOut := fmt.Sprintf("set volume.storageClassName to %q", class)
	switch {
	case strings.HasSuffix(e.registry.APIVersion, "/v1alpha1"):
		wayOut = "write the config as v1alpha3, which can say so"
	case class == "":
		wayOut = "leave volume.storageClassName out"
	}
	e.refuse(claimPath+"storageClassName", class, "field is immutable, the config for %q asks for %q: %s%s",
		e.cache.Upstream, wanted, wayOut, e.otherwise())
}

// otherwise says what it takes to have the other value after all.
func (e *existing) otherwise() string {
	if e.Platform == v1alpha1.PlatformShoot {
		return ", or remove the cache and add it again, which loses what is cached"
	}
	return fmt.Sprintf(", or remove the cache, delete its claims %s-%s-<n>, and add it again, which loses what is cached",
		volumeCache, names.Object(e.cache.Upstream))
}

func (e *existing) refuse(field string, value any, format string, values ...any) {
	e.list = append(e.list, fault.Fault{
		Severity: fault.Error, Cause: fault.Item, Field: field, Value: value, Message: fmt.Sprintf(format, values...),
		Object: &fault.Object{
			APIVersion: e.item.APIVersion(), Kind: e.item.Kind(), Namespace: e.item.Namespace(), Name: e.item.Name(), Path: e.item.FilePath(),
		},
	})
}
