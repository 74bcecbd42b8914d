package registrycaches

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/fault"
	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/functions/names"
)

// The parts of the Component cert-manager that the functions use: the Certificate of one cache, and the issuer of all.
const (
	certificateComponent = "cert-manager/certificate"
	issuerComponent      = "cert-manager/issuer"
)

// What cert-manager's own issuers are.
const (
	certManagerGroup = "cert-manager.io"
	kindIssuer       = "Issuer"
)

// clusterDomain is what nearly every cluster has. Nodes use the address; names are for clients in the cluster.
const clusterDomain = "svc.cluster.local"

var certManagerKinds = []string{"ClusterIssuer", kindIssuer}

// wantsCertificate says whether cert-manager makes the key pair of a cache.
func (c *config) wantsCertificate(cache *v1alpha3.RegistryCache) bool {
	return c.Certificates != nil && cache.TLSEnabled()
}

// wantsIssuer says whether the config brings its own issuer.
func (c *config) wantsIssuer() bool {
	return c.Certificates != nil && c.Certificates.IssuerRef == nil && slices.ContainsFunc(c.registry.Caches, hasTLS)
}

func hasTLS(cache v1alpha3.RegistryCache) bool { return cache.TLSEnabled() }

// validateCertificates checks the reference to the issuer and fills in its defaults.
func (c *config) validateCertificates() (errs field.ErrorList) {
	if c.Certificates == nil {
		return nil
	}
	path := field.NewPath("certificates")
	if c.Platform == fnv1alpha1.PlatformShoot {
		return field.ErrorList{field.Forbidden(path, "must be left out on platform shoot, where key pairs come as Secrets")}
	}
	ref := c.Certificates.IssuerRef
	if ref == nil {
		return nil
	}
	path = path.Child("issuerRef")
	ref.Group, ref.Kind = cmp.Or(ref.Group, certManagerGroup), cmp.Or(ref.Kind, kindIssuer)
	if ref.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "must name the issuer"))
	} else {
		errs = append(errs, subdomain(path.Child("name"), ref.Name)...)
	}
	errs = append(errs, subdomain(path.Child("group"), ref.Group)...)
	if ref.Group == certManagerGroup && !slices.Contains(certManagerKinds, ref.Kind) {
		errs = append(errs, field.NotSupported(path.Child("kind"), ref.Kind, certManagerKinds))
	}
	return errs
}

func subdomain(path *field.Path, value string) (errs field.ErrorList) {
	for _, message := range validation.IsDNS1123Subdomain(value) {
		errs = append(errs, field.Invalid(path, value, message))
	}
	return errs
}

// remarkOnCertificates warns of certificates that would do nothing, or would be renewed and not taken up.
func (c *config) remarkOnCertificates() fault.List {
	if c.Certificates == nil || c.Platform != fnv1alpha1.PlatformStandalone {
		return nil
	}
	remark := fault.Fault{Severity: fault.Warning, Cause: fault.Configuration, Field: "certificates"}
	switch {
	case !slices.ContainsFunc(c.registry.Caches, hasTLS):
		remark.Message = "no cache has http.tls: true, so no certificate is asked for"
	case c.Registry == fnv1alpha1.RegistryDistribution:
		remark.Message = "registry distribution does not read a renewed key pair: restart its pods after each renewal, or use registry-cache"
	default:
		return nil
	}
	return fault.List{remark}
}

// fillCertificate asks for the key pair that the pod mounts. The nodes know the cache by its address; the names are those of
// its Service.
func (f *filling) fillCertificate() error {
	if !f.wantsCertificate(f.cache) {
		return nil
	}
	certificate, err := f.one("Certificate")
	if err != nil {
		return err
	}
	name := names.TLSSecret(f.cache.Upstream)
	certificate.SetName(name)
	spec := manifest.Ensure(certificate, "spec")
	spec["secretName"] = name
	spec["ipAddresses"] = []any{f.pins[f.cache.Upstream]}
	service := names.Service(f.cache.Upstream, f.cache.ServiceNameSuffix)
	spec["dnsNames"] = []any{
		service, service + "." + f.namespace(), service + "." + f.namespace() + ".svc", service + "." + f.namespace() + "." + clusterDomain,
	}
	if ref := f.Certificates.IssuerRef; ref != nil {
		spec["issuerRef"] = map[string]any{"group": ref.Group, "kind": ref.Kind, "name": ref.Name}
	}
	return nil
}
