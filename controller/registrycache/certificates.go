package registrycache

import (
	"context"
	"fmt"
	"net"
	"time"

	extensionssecretsmanager "github.com/gardener/gardener/extensions/pkg/util/secret/manager"
	kubernetesutils "github.com/gardener/gardener/pkg/utils/kubernetes"
	secretsutils "github.com/gardener/gardener/pkg/utils/secrets"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"k8s.io/utils/clock"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/names"
)

// The certificates are those of the existing extension to the letter. The secrets manager hashes the whole configuration:
// another one would be another authority, which a node trusts only after its next OperatingSystemConfig.
const (
	secretsIdentity = "extension-registry-cache"
	caName          = "ca-extension-registry-cache"
	caValidity      = 2 * 365 * 24 * time.Hour
	serverValidity  = 90 * 24 * time.Hour
)

func caConfig() extensionssecretsmanager.SecretConfigWithOptions {
	validity := caValidity
	return extensionssecretsmanager.SecretConfigWithOptions{
		Config: &secretsutils.CertificateSecretConfig{
			Name: caName, CommonName: caName, CertType: secretsutils.CACert, Validity: &validity,
		},
		Options: []secretsmanager.GenerateOption{secretsmanager.Persist()},
	}
}

// serverConfig is the certificate of one cache. It names the Service's address, which is what nodes dial. During a rotation
// it is signed by the old authority until all nodes trust the new one.
func serverConfig(cache *v1alpha3.RegistryCache, address string) extensionssecretsmanager.SecretConfigWithOptions {
	validity := serverValidity
	name := names.TLSSecret(cache.Upstream)
	return extensionssecretsmanager.SecretConfigWithOptions{
		Config: &secretsutils.CertificateSecretConfig{
			Name: name, CommonName: name, CertType: secretsutils.ServerCert, Validity: &validity,
			DNSNames:    kubernetesutils.DNSNamesForService(serviceName(cache), fnv1alpha1.ShootNamespace),
			IPAddresses: []net.IP{net.ParseIP(address)},
		},
		Options: []secretsmanager.GenerateOption{secretsmanager.SignedByCA(caName, secretsmanager.UseOldCA)},
	}
}

// certificateConfigs returns the authority and the certificates of the caches with TLS; nothing if none has it.
func (o *operation) certificateConfigs() (configs []extensionssecretsmanager.SecretConfigWithOptions) {
	for i := range o.config.Caches {
		cache := &o.config.Caches[i]
		if !cache.TLSEnabled() {
			continue
		}
		if len(configs) == 0 {
			configs = append(configs, caConfig())
		}
		configs = append(configs, serverConfig(cache, o.addresses[cache.Upstream]))
	}
	return configs
}

// issueCertificates makes or renews the certificates, follows a rotation of the shoot's authorities, and adds the key pairs
// to the items.
func (o *operation) issueCertificates(ctx context.Context) error {
	configs := o.certificateConfigs()
	if err := o.manageSecrets(ctx, configs); err != nil {
		return err
	}
	for _, config := range configs {
		name := config.Config.GetName()
		secret, err := o.secrets.Generate(ctx, config.Config, config.Options...)
		if err != nil {
			return fmt.Errorf("generating the certificate %q: %w", name, err)
		}
		if name != caName {
			o.items = append(o.items, secretItem(name, secret))
		}
	}
	if len(configs) == 0 {
		return nil
	}
	bundle, found := o.secrets.Get(caName)
	if !found {
		return fmt.Errorf("the secrets manager has no bundle of the authority %q", caName)
	}
	o.caBundle = &bundle.Name
	return nil
}

func (o *operation) manageSecrets(ctx context.Context, configs []extensionssecretsmanager.SecretConfigWithOptions) (err error) {
	o.secrets, err = extensionssecretsmanager.SecretsManagerForCluster(
		ctx, o.log.WithName("secretsmanager"), clock.RealClock{}, o.client, o.cluster, secretsIdentity, configs)
	if err != nil {
		return fmt.Errorf("reading the certificates: %w", err)
	}
	return nil
}

// removeUnusedCertificates removes what was not issued in this operation.
func (o *operation) removeUnusedCertificates(ctx context.Context) error {
	return o.secrets.Cleanup(ctx)
}

// removeCertificates removes all certificates.
func (o *operation) removeCertificates(ctx context.Context) error {
	if err := o.manageSecrets(ctx, nil); err != nil {
		return err
	}
	return o.secrets.Cleanup(ctx)
}
