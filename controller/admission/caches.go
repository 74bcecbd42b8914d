package admission

import (
	"context"
	"fmt"

	extensionswebhook "github.com/gardener/gardener/extensions/pkg/webhook"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// CacheType is the type of the extension whose providerConfig is a RegistryConfig.
const CacheType = "registry-cache"

// cacheValidator validates the extension registry-cache of Shoots.
type cacheValidator struct {
	program fnv1alpha1.Registry
	reader  client.Reader
}

// NewCacheValidator returns a validator of the extension registry-cache of Shoots. program is what the caches run, which
// decides what can be changed. reader reads the Secrets in the Shoot's namespace that a config refers to; it must not be
// cached, for a cache would need to list the Secrets of all projects, and would miss one that was made just before its Shoot.
func NewCacheValidator(program fnv1alpha1.Registry, reader client.Reader) extensionswebhook.Validator {
	return &cacheValidator{program: program, reader: reader}
}

// Validate returns everything that is wrong with a new or changed configuration, see the package's comment.
func (v *cacheValidator) Validate(ctx context.Context, newObj, oldObj client.Object) error {
	return validate(ctx, v, newObj, oldObj)
}

func (*cacheValidator) extensionType() string { return CacheType }

// caches is a RegistryConfig as the hub, with its defaults; without any cache if it is none.
type caches struct {
	v1alpha3.RegistryConfig
	// faults are those of decoding; the hub has what is not at fault.
	faults field.ErrorList
	// warnings are found before the defaults hide what the user wrote, and only if all of it was understood.
	warnings []registryvalidation.Warning
	// decoded says that it is a RegistryConfig, be it a faulty one.
	decoded bool
	path    *field.Path
}

// decodeCaches decodes the extension's providerConfig; of an extension that is not enabled, or has none, comes an empty one.
func decodeCaches(e *extension) *caches {
	c := &caches{}
	if e == nil || e.text == nil {
		return c
	}
	c.path = e.path
	var hub *v1alpha3.RegistryConfig
	hub, c.faults = registry.DecodeConfig(e.text, e.path)
	if hub == nil {
		return c
	}
	c.decoded = true
	if len(c.faults) == 0 {
		c.warnings = registryvalidation.WarnRegistryConfig(hub, e.path)
	}
	hub.Default(true)
	c.RegistryConfig = *hub
	return c
}

// upstreams returns those of the caches.
func (c *caches) upstreams() []string {
	list := make([]string, len(c.Caches))
	for i := range c.Caches {
		list[i] = c.Caches[i].Upstream
	}
	return list
}

func (v *cacheValidator) validate(ctx context.Context, c *change, into *findings) {
	config, old := decodeCaches(c.extension), decodeCaches(c.old)
	all := newSecrets(v.reader, c.shoot)
	if c.sameText() || config.equals(old) {
		all.before = c.oldShoot
	} else {
		config.validateChange(c, old, v.program, into)
	}
	config.validateSecrets(ctx, all, into)
}

// equals says whether both mean the same: a config may move to another API version or write down a default.
func (c *caches) equals(old *caches) bool {
	return c.decoded && old.decoded && len(c.faults) == 0 && len(old.faults) == 0 && equality.Semantic.DeepEqual(c.Caches, old.Caches)
}

// validateChange looks at everything but the Secrets.
func (c *caches) validateChange(of *change, old *caches, program fnv1alpha1.Registry, into *findings) {
	into.refuseText(c.faults)
	invalid := of.validateOldText()
	if c.decoded {
		// An old config that cannot be decoded was never rendered: mending it must not be refused for what it said.
		if len(old.faults) == 0 {
			invalid = append(invalid, registryvalidation.ValidateRegistryConfigUpdate(&c.RegistryConfig, &old.RegistryConfig, program, c.path)...)
		}
		invalid = append(invalid, registryvalidation.ValidateRegistryConfig(&c.RegistryConfig, c.path)...)
		invalid = append(invalid, c.validatePairs(old)...)
		invalid = append(invalid, c.validateMirrors(of)...)
	}
	for _, f := range invalid {
		f.Field = registry.UserPath(c.APIVersion, f.Field)
	}
	into.warnings = c.warningsBeside(invalid)
	into.refuse(beside(c.faults, invalid))
}

// warningsBeside returns the warnings about fields that are not refused anyway.
func (c *caches) warningsBeside(refused field.ErrorList) (texts []string) {
	fields := map[string]bool{}
	for _, f := range refused {
		fields[f.Field] = true
	}
	for _, w := range c.warnings {
		if path := registry.UserPath(c.APIVersion, w.Field); !fields[path] {
			texts = append(texts, fmt.Sprintf("%s: %s", path, w.Message))
		}
	}
	return texts
}

// validateSecrets looks at the credentials for the upstreams. An empty reference is a fault of the config already.
func (c *caches) validateSecrets(ctx context.Context, all *secrets, into *findings) {
	for i := range c.Caches {
		reference := c.Caches[i].SecretReferenceName
		if reference == nil || *reference == "" {
			continue
		}
		path := c.path.Child("caches").Index(i).Child("secretReferenceName")
		if secret := all.find(ctx, path, *reference, into); secret != nil {
			into.refuse(registryvalidation.ValidateUpstreamRegistrySecret(*secret, path, *reference, true))
		}
	}
}
