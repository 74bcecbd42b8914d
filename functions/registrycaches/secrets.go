package registrycaches

import (
	"crypto/tls"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	registryvalidation "github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/input"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// secrets is what one cache takes from Secrets among the items.
type secrets struct {
	username, password string
	// tls is the key pair's Secret; nil without TLS, and on platform standalone, where the pod mounts it by its name.
	tls *input.Secret
}

// findSecrets collects what every cache needs, and the faults of all that is missing or malformed.
func (c *config) findSecrets(items []manifest.Object) ([]secrets, fault.List) {
	found, list := c.findAllCredentials(items)
	for i := range c.registry.Caches {
		cache := &c.registry.Caches[i]
		if cache.TLSEnabled() && c.Platform == fnv1alpha1.PlatformShoot {
			var faults fault.List
			found[i].tls, faults = findKeyPair(items, names.TLSSecret(cache.Upstream), c.cachePath(i).Child("http", "tls"))
			list = append(list, faults...)
		}
	}
	return found, list
}

// findAllCredentials collects the credentials for every upstream whose cache refers to some.
func (c *config) findAllCredentials(items []manifest.Object) ([]secrets, fault.List) {
	found := make([]secrets, len(c.registry.Caches))
	var list fault.List
	for i := range c.registry.Caches {
		if cache := &c.registry.Caches[i]; refersToCredentials(cache) {
			list = append(list, c.findCredentials(&found[i], items, *cache.SecretReferenceName, c.cachePath(i).Child("secretReferenceName"))...)
		}
	}
	return found, list
}

func (c *config) findCredentials(to *secrets, items []manifest.Object, reference string, path *field.Path) fault.List {
	list := c.remarkOnCredentials(items, reference, path)
	if list != nil && input.AnySecret(items, reference) == nil {
		return list
	}
	secret, faults := input.FindSecret(items, reference, path)
	if secret == nil {
		return faults
	}
	errs := registryvalidation.ValidateUpstreamRegistrySecret(*secret, path, reference,
		c.Platform == fnv1alpha1.PlatformShoot)
	to.username, to.password = string(secret.Data["username"]), string(secret.Data["password"])
	return append(list, fault.FromFields(fault.Secret, errs)...)
}

// remarkOnCredentials says of a Secret that the pod mounts by its name what only the cluster can show: that it is there, in
// the namespace of the pod. It returns nil if the Secret comes along with the manifests, or is not mounted so.
func (c *config) remarkOnCredentials(items []manifest.Object, reference string, path *field.Path) fault.List {
	if c.Platform != fnv1alpha1.PlatformStandalone || c.Registry == fnv1alpha1.RegistryDistribution {
		return nil
	}
	remark := fault.Fault{Severity: fault.Info, Cause: fault.Secret, Field: path.String(), Value: reference}
	switch item := input.AnySecret(items, reference); {
	case item == nil:
		remark.Message = "is not among the items and taken from the cluster"
	case item.IsLocalConfig():
		remark.Message = "is for tools only (" + manifest.LocalConfigAnnotation + ") and taken from the cluster"
	case item.Namespace() == "":
		remark.Message = "has no namespace yet"
	case item.Namespace() != c.namespace():
		remark.Severity, remark.Message = fault.Warning, fmt.Sprintf("is in namespace %q", item.Namespace())
	default:
		return nil
	}
	remark.Message = fmt.Sprintf("secret %q %s: the cache mounts the one in namespace %q, with the entries username and password",
		reference, remark.Message, c.namespace())
	return fault.List{remark}
}

func findKeyPair(items []manifest.Object, name string, path *field.Path) (*input.Secret, fault.List) {
	secret, list := input.FindSecret(items, name, path)
	if secret == nil {
		return nil, list
	}
	// The cause is left out: nothing of a Secret may get into a message.
	if _, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"]); err != nil {
		return nil, fault.FromFields(fault.Secret, field.ErrorList{field.Invalid(path, name,
			"the secret \""+name+"\" must have a PEM certificate in tls.crt and its private key in tls.key")})
	}
	return secret, nil
}
