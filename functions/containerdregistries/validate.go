package containerdregistries

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirrorv1alpha1 "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/registrycaches"
)

// capabilities are all that a host can be used for.
var capabilities = []string{string(mirrorv1alpha1.CapabilityPull), string(mirrorv1alpha1.CapabilityResolve)}

// validate checks a ContainerdRegistries; a MirrorConfig has rules of its own.
func (c *config) validate() (errs field.ErrorList) {
	if c.platform != fnv1alpha1.PlatformShoot && c.platform != fnv1alpha1.PlatformStandalone {
		errs = append(errs, registrycaches.PlatformFault(c.platform))
	}
	errs = append(errs, registrycaches.ValidateImage(c.image, field.NewPath("image"))...)
	if len(c.registries) == 0 {
		errs = append(errs, field.Required(field.NewPath("registries"), "at least one registry must be provided"))
	}
	seen := map[string]*registry{}
	for i := range c.registries {
		r := &c.registries[i]
		errs = append(errs, registryvalidation.ValidateUpstream(r.path.Child("upstream"), r.upstream)...)
		errs = append(errs, r.validate()...)
		first, twice := seen[r.upstream]
		switch {
		case !twice:
			seen[r.upstream] = r
		case first.probe != r.probe:
			errs = append(errs, field.Invalid(r.path.Child("upstream"), r.upstream,
				fmt.Sprintf("must not have both a cache and a mirror: %s and %s", first, r)))
		default:
			errs = append(errs, field.Duplicate(r.path.Child("upstream"), r.upstream))
		}
	}
	return append(errs, c.validateBundles()...)
}

func (r *registry) validate() (errs field.ErrorList) {
	hosts := r.path.Child("hosts")
	errs = append(errs, validateURL(r.path.Child("server"), r.server, !r.probe)...)
	switch {
	case len(r.hosts) == 0:
		errs = append(errs, field.Required(hosts, "at least one host must be provided"))
	case r.probe && len(r.hosts) > 1:
		errs = append(errs, field.TooMany(hosts, len(r.hosts), 1))
	}
	seen := map[string]bool{}
	for i := range r.hosts {
		h, path := &r.hosts[i], hosts.Index(i)
		errs = append(errs, h.validate(path, r.probe)...)
		if seen[h.url] {
			errs = append(errs, field.Duplicate(path.Child("url"), h.url))
		}
		seen[h.url] = true
	}
	return errs
}

func (h *host) validate(path *field.Path, probe bool) (errs field.ErrorList) {
	errs = append(errs, validateURL(path.Child("url"), h.url, !probe)...)
	for i, capability := range h.capabilities {
		if !slices.Contains(capabilities, capability) {
			errs = append(errs, field.NotSupported(path.Child("capabilities").Index(i), capability, capabilities))
		}
		if slices.Contains(h.capabilities[:i], capability) {
			errs = append(errs, field.Duplicate(path.Child("capabilities").Index(i), capability))
		}
	}
	if h.caSecret != "" && !h.isHTTPS() {
		errs = append(errs, field.Invalid(h.caPath, h.caSecret, "must be left out for a host without https"))
	}
	if !probe {
		return errs
	}
	if len(h.capabilities) == 1 {
		errs = append(errs, field.Invalid(path.Child("capabilities"), h.capabilities,
			"must be left out or have both pull and resolve: the guard uses a cache for both"))
	}
	if h.overridePath != nil {
		errs = append(errs, field.Invalid(path.Child("overridePath"), true, "must be left out with probe: the guard knows no paths"))
	}
	return errs
}

// validateBundles: the guard has one CA bundle for all its registries.
func (c *config) validateBundles() (errs field.ErrorList) {
	var first *host
	for i := range c.registries {
		r := &c.registries[i]
		for j := range r.hosts {
			h := &r.hosts[j]
			switch {
			case !r.probe || !h.isHTTPS():
			case first == nil:
				first = h
			case h.caSecret != first.caSecret:
				errs = append(errs, field.Invalid(h.caPath, h.caSecret, fmt.Sprintf(
					"must be the same for all hosts with https of registries with probe, %s is %q", first.caPath, first.caSecret)))
			}
		}
	}
	return errs
}

func (h *host) isHTTPS() bool {
	u, err := url.Parse(h.url)
	return err == nil && u.Scheme == "https"
}

// validateURL admits an IPv6 address in brackets as well, which a cache may have, but no mirror or upstream of a user's
// config: it checks the address itself, and the rest of the URL with a name in its place.
func validateURL(path *field.Path, text string, allowPath bool) field.ErrorList {
	before, rest, bracket := strings.Cut(text, "://[")
	literal, after, closed := strings.Cut(rest, "]")
	if !bracket || !closed || after != "" && after[0] != ':' && after[0] != '/' {
		return registryvalidation.ValidateURL(path, text, allowPath)
	}
	var errs field.ErrorList
	if address, err := netip.ParseAddr(literal); err != nil || !address.Is6() || address.Zone() != "" {
		errs = append(errs, field.Invalid(path, text, "must have an IPv6 address without a zone in its brackets"))
	}
	for _, e := range registryvalidation.ValidateURL(path, before+"://ipv6"+after, allowPath) {
		errs = append(errs, field.Invalid(path, text, e.Detail))
	}
	return errs
}
