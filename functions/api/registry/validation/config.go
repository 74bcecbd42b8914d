package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/names"
)

// ValidateRegistryConfig returns every fault of a config to which its defaults have been applied. path is where the
// config stands, nil for a config of its own.
func ValidateRegistryConfig(config *v1alpha3.RegistryConfig, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	path = path.Child("caches")
	if len(config.Caches) == 0 {
		faults = append(faults, field.Required(path, "at least one cache must be provided"))
	}
	upstreams := map[string]bool{}
	for i := range config.Caches {
		cache, cachePath := &config.Caches[i], path.Index(i)
		faults = append(faults, validateCache(cache, cachePath)...)
		if upstreams[cache.Upstream] {
			faults = append(faults, field.Duplicate(cachePath.Child("upstream"), cache.Upstream))
		}
		upstreams[cache.Upstream] = true
	}
	return append(faults, validateServiceNames(config.Caches, path)...)
}

// ValidateObjectNames refuses an upstream whose objects would have the names of another upstream's: "a.b.io" and
// "a-b.io". The existing extension does not, and mixes the two up; the rule stands apart so that the admission can spare
// a Shoot that already has such a pair and changes something else.
func ValidateObjectNames(config *v1alpha3.RegistryConfig, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	owners := map[string]string{}
	for i := range config.Caches {
		upstream := config.Caches[i].Upstream
		name := names.Object(upstream)
		owner, taken := owners[name]
		if !taken {
			owners[name] = upstream
			continue
		}
		if owner != upstream { // the same upstream twice is a duplicate, which ValidateRegistryConfig reports
			faults = append(faults, field.Invalid(path.Child("caches").Index(i).Child("upstream"), upstream,
				fmt.Sprintf("upstreams %q and %q must not be cached together: the objects of both would be named %q", owner, upstream, name)))
		}
	}
	return faults
}

// validateServiceNames checks that no two caches have a Service of one name because of a suffix.
func validateServiceNames(caches []v1alpha3.RegistryCache, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	derived := map[string]string{}
	for i := range caches {
		if caches[i].ServiceNameSuffix == nil {
			derived[names.Service(caches[i].Upstream, nil)] = caches[i].Upstream
		}
	}
	suffixes := map[string]bool{}
	for i := range caches {
		if caches[i].ServiceNameSuffix == nil {
			continue
		}
		suffix, suffixPath := *caches[i].ServiceNameSuffix, path.Index(i).Child("serviceNameSuffix")
		if suffixes[suffix] {
			faults = append(faults, field.Duplicate(suffixPath, suffix))
		}
		suffixes[suffix] = true
		if upstream, taken := derived[names.Service(caches[i].Upstream, &suffix)]; taken {
			faults = append(faults, field.Invalid(suffixPath, suffix, fmt.Sprintf("cannot collide with %q upstream", upstream)))
		}
	}
	return faults
}

func validateCache(cache *v1alpha3.RegistryCache, path *field.Path) field.ErrorList {
	faults := ValidateUpstream(path.Child("upstream"), cache.Upstream)
	if cache.RemoteURL != nil {
		faults = append(faults, ValidateURL(path.Child("remoteURL"), *cache.RemoteURL, false)...)
	}
	if cache.Volume != nil {
		faults = append(faults, validateVolume(cache.Volume, path.Child("volume"))...)
	}
	if cache.GarbageCollection != nil {
		faults = append(faults, validateGarbageCollection(cache.GarbageCollection, path.Child("garbageCollection"))...)
	}
	if cache.SecretReferenceName != nil {
		faults = append(faults, validateSecretReferenceName(*cache.SecretReferenceName, path.Child("secretReferenceName"))...)
	}
	if cache.Proxy != nil {
		faults = append(faults, validateProxy(cache.Proxy, path.Child("proxy"))...)
	}
	if cache.ServiceNameSuffix != nil {
		faults = append(faults, validateServiceNameSuffix(*cache.ServiceNameSuffix, path.Child("serviceNameSuffix"))...)
	}
	return faults
}

func validateVolume(volume *v1alpha3.Volume, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	if volume.Size != nil && volume.Size.Cmp(resource.Quantity{}) <= 0 {
		faults = append(faults, field.Invalid(path.Child("size"), volume.Size.String(), "must be greater than 0"))
	}
	if volume.StorageClassName != nil {
		for _, message := range validation.IsDNS1123Subdomain(*volume.StorageClassName) {
			faults = append(faults, field.Invalid(path.Child("storageClassName"), *volume.StorageClassName, message))
		}
	}
	return faults
}

func validateGarbageCollection(collection *v1alpha3.GarbageCollection, path *field.Path) field.ErrorList {
	if collection.TTL == nil || collection.TTL.Duration >= 0 {
		return nil
	}
	return field.ErrorList{
		field.Invalid(path.Child("ttl"), collection.TTL.Duration.String(), "ttl must be a non-negative duration"),
	}
}

// validateSecretReferenceName refuses an empty name, which the existing extension only finds when it looks for the Secret.
func validateSecretReferenceName(name string, path *field.Path) field.ErrorList {
	if name != "" {
		return nil
	}
	return field.ErrorList{field.Invalid(path, name, "must not be empty; leave it out if the upstream needs no credentials")}
}

func validateProxy(proxy *v1alpha3.Proxy, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	if proxy.HTTPProxy != nil {
		faults = append(faults, ValidateURL(path.Child("httpProxy"), *proxy.HTTPProxy, false)...)
	}
	if proxy.HTTPSProxy != nil {
		faults = append(faults, ValidateURL(path.Child("httpsProxy"), *proxy.HTTPSProxy, false)...)
	}
	return faults
}

// maxServiceNameSuffix leaves room for "registry-" in the 63 characters of a Service's name.
const maxServiceNameSuffix = 54

func validateServiceNameSuffix(suffix string, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	for _, message := range validation.IsDNS1123Label(suffix) {
		faults = append(faults, field.Invalid(path, suffix, message))
	}
	if len(suffix) > maxServiceNameSuffix {
		faults = append(faults, field.TooLong(path, suffix, maxServiceNameSuffix))
	}
	return faults
}
