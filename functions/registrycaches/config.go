package registrycaches

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
)

// config is a RegistryCaches, decoded, defaulted and checked.
type config struct {
	fnv1alpha1.RegistryCaches
	// registry is the RegistryConfig in it, as the hub; nil if it is none.
	registry *v1alpha3.RegistryConfig
	// path is where the RegistryConfig stands: nil if it is the functionConfig itself.
	path *field.Path
	// pins are the known cluster IPs by upstream.
	pins map[string]string
}

// decodeConfig reads either kind and reports all faults at once: those of decoding, and those of what could be decoded
// nevertheless. The list holds warnings too. Without a single error the config is complete.
func decodeConfig(in input.Config) (*config, fault.List) {
	c := &config{pins: map[string]string{}}
	text := in.Body
	var errs field.ErrorList
	if in.Kind != registry.Kind {
		c.path = field.NewPath("registryConfig")
		errs = decode.Strict(in.Body, &c.RegistryCaches, nil)
		text = withoutMetadata(c.RegistryConfig.Raw)
	}
	c.Platform = cmp.Or(c.Platform, fnv1alpha1.PlatformStandalone)
	c.Registry = cmp.Or(c.Registry, fnv1alpha1.RegistryCache)
	invalid := c.validate()
	var warnings fault.List
	if len(text) == 0 {
		invalid = append(invalid, field.Required(c.path, "a RegistryConfig with its apiVersion and kind must be given"))
	} else {
		hub, decoding := registry.DecodeConfig(text, c.path)
		errs = append(errs, decoding...)
		if hub != nil {
			c.registry = hub
			if len(decoding) == 0 {
				warnings = c.warnings()
			}
			invalid = append(invalid, c.validateRegistry()...)
		}
	}
	for _, e := range invalid {
		e.Field = c.userPath(e.Field)
	}
	return c, append(fault.FromFields(fault.Configuration, decode.Join(errs, invalid)), warnings...)
}

// withoutMetadata lets a whole RegistryConfig stand in the wrapper as it stands alone, where its metadata is free.
func withoutMetadata(text []byte) []byte {
	if inner, err := input.Parse(text); err == nil {
		return inner.Body
	}
	return text // the decoding says what is wrong
}

// warnings are found before the defaults hide what the user wrote, and only if all of it was understood.
func (c *config) warnings() (list fault.List) {
	for _, w := range registryvalidation.WarnRegistryConfig(c.registry, c.path) {
		list = append(list, fault.Fault{
			Severity: fault.Warning, Cause: fault.Configuration,
			Field: c.userPath(w.Field), Value: w.Value, Message: w.Message,
		})
	}
	return append(list, c.remarkOnCertificates()...)
}

// validate checks what stands beside the RegistryConfig.
func (c *config) validate() field.ErrorList {
	errs := append(c.validatePlatform(), c.validateCertificates()...)
	if !slices.Contains(fnv1alpha1.Registries(), c.Registry) {
		errs = append(errs, field.NotSupported(field.NewPath("registry"), c.Registry, fnv1alpha1.Registries()))
	}
	if c.Namespace == "" {
		c.Namespace = fnv1alpha1.DefaultNamespace
	}
	if c.Nodes != nil {
		errs = append(errs, ValidateImage(c.Nodes.Image, field.NewPath("nodes", "image"))...)
	}
	return append(errs, ValidateImage(c.Image, field.NewPath("image"))...)
}

// validateRegistry fills in the defaults of the RegistryConfig and checks it, and what refers to it.
func (c *config) validateRegistry() field.ErrorList {
	c.registry.Default(c.Platform == fnv1alpha1.PlatformShoot)
	errs := registryvalidation.ValidateRegistryConfig(c.registry, c.path)
	errs = append(errs, registryvalidation.ValidateObjectNames(c.registry, c.path)...)
	errs = append(errs, c.validateServices()...)
	return append(errs, c.validateTLS()...)
}

func (c *config) validatePlatform() (errs field.ErrorList) {
	namespace := field.NewPath("namespace")
	switch c.Platform {
	case fnv1alpha1.PlatformShoot:
		if c.Namespace != "" && c.Namespace != fnv1alpha1.ShootNamespace {
			errs = append(errs, field.Invalid(namespace, c.Namespace,
				"must be left out on platform shoot, where everything lives in "+fnv1alpha1.ShootNamespace))
		}
		if c.Nodes != nil {
			errs = append(errs, field.Forbidden(field.NewPath("nodes"),
				"must be left out on platform shoot, where the webhook configures the nodes"))
		}
		return errs
	case fnv1alpha1.PlatformStandalone:
	default:
		errs = append(errs, PlatformFault(c.Platform))
	}
	if c.Namespace != "" {
		for _, message := range validation.IsDNS1123Label(c.Namespace) {
			errs = append(errs, field.Invalid(namespace, c.Namespace, message))
		}
	}
	return errs
}

// PlatformFault returns the fault of a platform that does not exist.
func PlatformFault(platform fnv1alpha1.Platform) *field.Error {
	return field.NotSupported(field.NewPath("platform"), platform,
		[]fnv1alpha1.Platform{fnv1alpha1.PlatformShoot, fnv1alpha1.PlatformStandalone})
}

// ValidateImage refuses what cannot be an image reference. An empty image is none, and gets the default.
func ValidateImage(image string, path *field.Path) field.ErrorList {
	switch {
	case strings.ContainsFunc(image, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return field.ErrorList{field.Invalid(path, image, "must not contain white space")}
	case strings.Contains(image, "://"):
		return field.ErrorList{field.Invalid(path, image, "must be an image reference such as registry.example/registry:3.1.1, without a scheme")}
	}
	return nil
}

func (c *config) validateServices() (errs field.ErrorList) {
	upstreams := map[string]bool{}
	for i := range c.registry.Caches {
		upstreams[c.registry.Caches[i].Upstream] = true
	}
	addresses := map[netip.Addr]string{}
	for i, service := range c.Services {
		path := field.NewPath("services").Index(i)
		if !upstreams[service.Upstream] {
			errs = append(errs, field.Invalid(path.Child("upstream"), service.Upstream, "must be the upstream of a cache in registryConfig"))
		}
		if _, twice := c.pins[service.Upstream]; twice {
			errs = append(errs, field.Duplicate(path.Child("upstream"), service.Upstream))
		}
		address, err := netip.ParseAddr(service.ClusterIP)
		if err != nil || !canBeClusterIP(address) || address.String() != service.ClusterIP {
			errs = append(errs, field.Invalid(path.Child("clusterIP"), service.ClusterIP,
				"must be an IPv4 or IPv6 address that a Service can have, in its shortest form, such as 10.96.0.50 or fd00:10:96::50"))
		} else if other, taken := addresses[address]; taken {
			errs = append(errs, field.Invalid(path.Child("clusterIP"), service.ClusterIP,
				fmt.Sprintf("must be unique, upstream %q has it already", other)))
		} else {
			addresses[address] = service.Upstream
		}
		c.pins[service.Upstream] = service.ClusterIP
	}
	return errs
}

func canBeClusterIP(a netip.Addr) bool {
	return a.Zone() == "" && !a.Is4In6() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}

// validateTLS: on a plain cluster nobody issues a certificate for an address that is not known before.
func (c *config) validateTLS() (errs field.ErrorList) {
	if c.Platform != fnv1alpha1.PlatformStandalone {
		return nil
	}
	for i := range c.registry.Caches {
		cache := &c.registry.Caches[i]
		if cache.TLSEnabled() && c.pins[cache.Upstream] == "" {
			errs = append(errs, field.Invalid(c.cachePath(i).Child("http", "tls"), true, fmt.Sprintf(
				"must come with a fixed address on platform standalone, because the certificate names it: "+
					"use kind RegistryCaches with services: [{upstream: %s, clusterIP: <a free cluster IP>}]", cache.Upstream)))
		}
	}
	return errs
}

func (c *config) cachePath(i int) *field.Path {
	if c.path == nil {
		return field.NewPath("caches").Index(i)
	}
	return c.path.Child("caches").Index(i)
}

// userPath translates a field of the hub into the version that the user wrote.
func (c *config) userPath(path string) string {
	if c.registry == nil {
		return path
	}
	return registry.UserPath(c.registry.APIVersion, path)
}

// mountsCredentials says whether the cache reads credentials for its upstream from a mounted Secret.
func (c *config) mountsCredentials(cache *v1alpha3.RegistryCache) bool {
	return c.Registry != fnv1alpha1.RegistryDistribution && refersToCredentials(cache)
}

// refersToCredentials says whether the upstream demands credentials. An empty reference is a fault.
func refersToCredentials(cache *v1alpha3.RegistryCache) bool {
	return cache.SecretReferenceName != nil && *cache.SecretReferenceName != ""
}

// namespace is where the objects live.
func (c *config) namespace() string {
	if c.Platform == fnv1alpha1.PlatformShoot {
		return fnv1alpha1.ShootNamespace
	}
	return c.Namespace
}
