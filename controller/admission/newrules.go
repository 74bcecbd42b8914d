package admission

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// What stands here the existing extension accepts. So that Shoots from its time can be changed otherwise, two upstreams that
// do not go together are refused only if they were not together before.

// validatePairs refuses upstreams whose objects would have the same names, and several names of Docker Hub.
func (c *caches) validatePairs(old *caches) (faults field.ErrorList) {
	kept := &v1alpha3.RegistryConfig{Caches: slices.DeleteFunc(slices.Clone(c.Caches), func(cache v1alpha3.RegistryCache) bool {
		return !slices.Contains(old.upstreams(), cache.Upstream)
	})}
	spared := map[any]bool{}
	for _, f := range unsuitablePairs(kept, c.path) {
		spared[f.BadValue] = true
	}
	for _, f := range unsuitablePairs(&c.RegistryConfig, c.path) {
		if !spared[f.BadValue] {
			faults = append(faults, f)
		}
	}
	return faults
}

// unsuitablePairs returns the faults of the second upstream of every pair. The functions only warn of several caches for
// Docker Hub; of a config that has its defaults this is the only warning.
func unsuitablePairs(config *v1alpha3.RegistryConfig, path *field.Path) field.ErrorList {
	faults := registryvalidation.ValidateObjectNames(config, path)
	for _, w := range registryvalidation.WarnRegistryConfig(config, path) {
		faults = append(faults, &field.Error{Type: field.ErrorTypeInvalid, Field: w.Field, BadValue: w.Value, Detail: w.Message})
	}
	return faults
}

// validateMirrors refuses a cache for an upstream that has mirrors: only one of them can be in the upstream's containerd
// configuration. The existing extension looks at this only when the mirrors change. What is wrong with the mirrors
// themselves the other validator reports.
func (c *caches) validateMirrors(of *change) (faults field.ErrorList) {
	mirrored := decodeMirrors(findExtension(of.shoot, MirrorType)).upstreams()
	mirroredBefore := decodeMirrors(findExtension(of.oldShoot, MirrorType)).upstreams()
	cachedBefore := decodeCaches(of.old).upstreams()
	for i := range c.Caches {
		upstream := c.Caches[i].Upstream
		before := slices.Contains(mirroredBefore, upstream) && slices.Contains(cachedBefore, upstream)
		if slices.Contains(mirrored, upstream) && !before {
			faults = append(faults, field.Invalid(c.path.Child("caches").Index(i).Child("upstream"), upstream,
				fmt.Sprintf("upstream host '%s' is also configured as a registry mirror upstream", upstream)))
		}
	}
	return faults
}
