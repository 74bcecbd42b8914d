package validation

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// ValidateRegistryConfigUpdate returns the faults of a change from oldConfig to newConfig, both with their defaults. It
// checks only the change: newConfig has to pass ValidateRegistryConfig too. Caches are matched by their upstream; one
// that is renamed counts as removed and added, so everything about it may change. program is what the caches run: what it can
// do decides which changes are possible.
func ValidateRegistryConfigUpdate(newConfig, oldConfig *v1alpha3.RegistryConfig, program fnv1alpha1.Registry, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	for i := range newConfig.Caches {
		if oldCache := findCache(oldConfig, newConfig.Caches[i].Upstream); oldCache != nil {
			faults = append(faults, validateCacheUpdate(&newConfig.Caches[i], oldCache, program, path.Child("caches").Index(i))...)
		}
	}
	return faults
}

func findCache(config *v1alpha3.RegistryConfig, upstream string) *v1alpha3.RegistryCache {
	for i := range config.Caches {
		if config.Caches[i].Upstream == upstream {
			return &config.Caches[i]
		}
	}
	return nil
}

func validateCacheUpdate(newCache, oldCache *v1alpha3.RegistryCache, program fnv1alpha1.Registry, path *field.Path) field.ErrorList {
	faults := validateVolumeUpdate(volumeOf(newCache), volumeOf(oldCache), path.Child("volume"))
	// Content that was cached without a TTL is not known to distribution's scheduler and would never be removed:
	// https://github.com/distribution/distribution/issues/4249. Our own program gives it a TTL when it starts.
	if program == fnv1alpha1.RegistryDistribution && !collects(oldCache) && collects(newCache) {
		faults = append(faults, field.Invalid(path.Child("garbageCollection", "ttl"), newCache.GarbageCollection.TTL.Duration.String(),
			"garbage collection cannot be enabled (ttl > 0) once it is disabled (ttl = 0)"))
	}
	return faults
}

// validateVolumeUpdate compares what ends up in the volumeClaimTemplates of the StatefulSet, which are immutable.
func validateVolumeUpdate(newVolume, oldVolume v1alpha3.Volume, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	if newSize, oldSize := sizeOf(newVolume), sizeOf(oldVolume); newSize.Cmp(oldSize) != 0 {
		faults = append(faults, field.Invalid(path.Child("size"), newSize.String(), validation.FieldImmutableErrorMsg))
	}
	// An absent class is the cluster's default one, and an empty one is none.
	newClass, oldClass := newVolume.StorageClassName, oldVolume.StorageClassName
	if (newClass == nil) != (oldClass == nil) || newClass != nil && *newClass != *oldClass {
		faults = append(faults, field.Invalid(path.Child("storageClassName"), shownName(newClass), validation.FieldImmutableErrorMsg))
	}
	return faults
}

func volumeOf(cache *v1alpha3.RegistryCache) v1alpha3.Volume {
	if cache.Volume == nil {
		return v1alpha3.Volume{}
	}
	return *cache.Volume
}

func sizeOf(volume v1alpha3.Volume) resource.Quantity {
	if volume.Size == nil {
		return resource.Quantity{}
	}
	return *volume.Size
}

// shownName returns what a fault shows of an optional name: null if it was left out.
func shownName(name *string) any {
	if name == nil {
		return nil
	}
	return *name
}

// collects says whether the cache removes content after some time.
func collects(cache *v1alpha3.RegistryCache) bool {
	collection := cache.GarbageCollection
	return collection != nil && collection.TTL != nil && collection.TTL.Duration > 0
}
