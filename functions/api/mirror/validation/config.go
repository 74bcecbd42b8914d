package validation

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// capabilities are all that a mirror can be used for.
var capabilities = []v1alpha1.MirrorHostCapability{v1alpha1.CapabilityPull, v1alpha1.CapabilityResolve}

// ValidateMirrorConfig returns every fault of a config, before or after its defaults have been applied. path is where the
// config stands, nil for a config of its own.
func ValidateMirrorConfig(config *v1alpha1.MirrorConfig, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	path = path.Child("mirrors")
	if len(config.Mirrors) == 0 {
		faults = append(faults, field.Required(path, "at least one mirror must be provided"))
	}
	upstreams := map[string]bool{}
	for i := range config.Mirrors {
		mirror, mirrorPath := &config.Mirrors[i], path.Index(i)
		faults = append(faults, validateMirror(mirror, mirrorPath)...)
		if upstreams[mirror.Upstream] {
			faults = append(faults, field.Duplicate(mirrorPath.Child("upstream"), mirror.Upstream))
		}
		upstreams[mirror.Upstream] = true
	}
	return faults
}

// ValidateMirrorUpstreams refuses mirrors of an upstream that has a cache: only one of them can be in the upstream's
// containerd configuration.
func ValidateMirrorUpstreams(config *v1alpha1.MirrorConfig, cacheUpstreams []string, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	for i := range config.Mirrors {
		if upstream := config.Mirrors[i].Upstream; slices.Contains(cacheUpstreams, upstream) {
			faults = append(faults, field.Invalid(path.Child("mirrors").Index(i).Child("upstream"), upstream,
				fmt.Sprintf("upstream host '%s' is also configured as a registry cache upstream", upstream)))
		}
	}
	return faults
}

func validateMirror(mirror *v1alpha1.MirrorConfiguration, path *field.Path) field.ErrorList {
	faults := registryvalidation.ValidateUpstream(path.Child("upstream"), mirror.Upstream)
	if len(mirror.Hosts) == 0 {
		faults = append(faults, field.Required(path.Child("hosts"), "at least one host must be provided"))
	}
	hosts := map[string]bool{}
	for i := range mirror.Hosts {
		host, hostPath := &mirror.Hosts[i], path.Child("hosts").Index(i)
		faults = append(faults, validateHost(host, hostPath)...)
		if hosts[host.Host] {
			faults = append(faults, field.Duplicate(hostPath.Child("host"), host.Host))
		}
		hosts[host.Host] = true
	}
	return faults
}

func validateHost(host *v1alpha1.MirrorHost, path *field.Path) field.ErrorList {
	faults := registryvalidation.ValidateURL(path.Child("host"), host.Host, true)
	faults = append(faults, validateCapabilities(host.Capabilities, path.Child("capabilities"))...)
	// The existing extension only finds an empty name when it looks for the Secret.
	if name := host.CABundleSecretReferenceName; name != nil && *name == "" {
		faults = append(faults, field.Invalid(path.Child("caBundleSecretReferenceName"), *name,
			"must not be empty; leave it out if the node's own certificate authorities will do"))
	}
	return faults
}

func validateCapabilities(given []v1alpha1.MirrorHostCapability, path *field.Path) field.ErrorList {
	var faults field.ErrorList
	for i, capability := range given {
		if !slices.Contains(capabilities, capability) {
			faults = append(faults, field.NotSupported(path.Index(i), string(capability), capabilities))
		}
		if slices.Contains(given[:i], capability) {
			faults = append(faults, field.Duplicate(path.Index(i), string(capability)))
		}
	}
	return faults
}
