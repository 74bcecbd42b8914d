package containerdregistries

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirrorv1alpha1 "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	mirrorvalidation "github.com/registry-cache/registry-cache/functions/api/mirror/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/names"
)

// The kinds that this package serves.
const (
	// Kind is the kind of functionConfig for caches and mirrors.
	Kind = "ContainerdRegistries"
	// MirrorKind is the kind of functionConfig for mirrors only.
	MirrorKind = "MirrorConfig"
)

// config is a config of either kind, decoded, defaulted and checked.
type config struct {
	platform   fnv1alpha1.Platform
	image      string
	registries []registry
	// immutableSecrets demands that Secrets cannot change, for a change would not be noticed.
	immutableSecrets bool
}

// registry is what containerd should use for one upstream.
type registry struct {
	upstream, server string
	// probe hands the registry to the guard.
	probe bool
	hosts []host
	path  *field.Path
}

// host is one cache or mirror.
type host struct {
	url          string
	capabilities []string
	// overridePath is nil if the config says nothing.
	overridePath *bool
	// caSecret names the Secret with the CA bundle, which caPath refers to; "" for none.
	caSecret string
	caPath   *field.Path
	// bundle is the content of that Secret.
	bundle []byte
}

// decodeConfig reads either kind and reports all faults at once. platform is that of a MirrorConfig, which says none.
func decodeConfig(in input.Config, platform fnv1alpha1.Platform) (*config, fault.List) {
	var c *config
	var errs field.ErrorList
	if in.Kind == MirrorKind {
		c, errs = decodeMirrors(in.Body, platform)
	} else {
		c, errs = decodeRegistries(in.Body)
	}
	return c, fault.FromFields(fault.Configuration, errs)
}

func decodeRegistries(body []byte) (*config, field.ErrorList) {
	given := &fnv1alpha1.ContainerdRegistries{}
	errs := decode.Strict(body, given, nil)
	c := &config{platform: given.Platform, image: given.Image}
	if c.platform == "" {
		c.platform = fnv1alpha1.PlatformStandalone
	}
	for i := range given.Registries {
		r, path := &given.Registries[i], field.NewPath("registries").Index(i)
		into := registry{upstream: r.Upstream, server: r.Server, probe: r.Probe, path: path}
		for j := range r.Hosts {
			h := &r.Hosts[j]
			hostPath := path.Child("hosts").Index(j)
			one := host{url: h.URL, capabilities: h.Capabilities, caSecret: h.CABundleSecretName, caPath: hostPath.Child("caBundleSecretName")}
			if h.OverridePath {
				one.overridePath = &h.OverridePath
			}
			into.hosts = append(into.hosts, one)
		}
		c.registries = append(c.registries, into)
	}
	errs = decode.Join(errs, c.validate())
	for i := range c.registries {
		c.registries[i].defaults()
	}
	return c, errs
}

// defaults fills in what the config leaves out: a mirror is used to pull. The guard does not ask.
func (r *registry) defaults() {
	for i := range r.hosts {
		if len(r.hosts[i].capabilities) == 0 {
			r.hosts[i].capabilities = []string{string(mirrorv1alpha1.CapabilityPull)}
		}
	}
}

// decodeMirrors reads a MirrorConfig. Its upstreams are asked with https, for it has no field for a server.
func decodeMirrors(body []byte, platform fnv1alpha1.Platform) (*config, field.ErrorList) {
	given := &mirrorv1alpha1.MirrorConfig{}
	errs := decode.Strict(body, given, nil)
	errs = decode.Join(errs, mirrorvalidation.ValidateMirrorConfig(given, nil))
	given.Default()
	c := &config{platform: platform, immutableSecrets: platform == fnv1alpha1.PlatformShoot}
	for i := range given.Mirrors {
		m, path := &given.Mirrors[i], field.NewPath("mirrors").Index(i)
		into := registry{upstream: m.Upstream, server: names.RemoteURL(m.Upstream), path: path}
		for j := range m.Hosts {
			h := &m.Hosts[j]
			one := host{
				url: h.Host, overridePath: h.OverridePath,
				caPath: path.Child("hosts").Index(j).Child("caBundleSecretReferenceName"),
			}
			for _, capability := range h.Capabilities {
				one.capabilities = append(one.capabilities, string(capability))
			}
			if h.CABundleSecretReferenceName != nil {
				one.caSecret = *h.CABundleSecretReferenceName
			}
			into.hosts = append(into.hosts, one)
		}
		c.registries = append(c.registries, into)
	}
	return c, errs
}

// String names a registry as faults do: what it is and what it uses.
func (r *registry) String() string {
	what := "mirror"
	if r.probe {
		what = "cache"
	}
	address := ""
	if len(r.hosts) > 0 {
		address = " " + r.hosts[0].url
	}
	return fmt.Sprintf("the %s%s (%s)", what, address, r.path)
}
