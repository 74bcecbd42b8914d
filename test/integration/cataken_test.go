//go:build integration

package integration

import (
	"net"
	"testing"
	"time"

	extensionscontroller "github.com/gardener/gardener/extensions/pkg/controller"
	extensionssecretsmanager "github.com/gardener/gardener/extensions/pkg/util/secret/manager"
	secretsutils "github.com/gardener/gardener/pkg/utils/secrets"
	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestCertificatesOfTheExistingExtension are taken over: another authority would be one that no node trusts yet.
func TestCertificatesOfTheExistingExtension(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("cataken")
	e.reconcile(s, config(plain("docker.io")))
	address := e.expectCaches("docker-io").service("docker-io").Spec.ClusterIP
	e.existingCertificates(s, address)
	before := e.managedSecrets(s, "")
	if len(before) != 3 {
		t.Fatalf("the existing extension has made %d Secrets, want authority, bundle and certificate", len(before))
	}

	e.reconcile(s, config(secured("docker.io")))
	e.expectStatus(s, "docker.io https docker-io")
	e.expectCertificates(s, address)
	after := map[string]corev1.Secret{}
	for _, secret := range e.managedSecrets(s, "") {
		after[secret.Name] = secret
	}
	for _, secret := range before {
		if got, ok := after[secret.Name]; !ok || got.UID != secret.UID || got.ResourceVersion != secret.ResourceVersion {
			t.Errorf("%s of the existing extension was not taken as it is", secret.Name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d Secrets, want the %d that there were", len(after), len(before))
	}
}

// existingCertificates makes what the existing extension makes, from what is known of its configuration and without any code
// of ours.
func (e *env) existingCertificates(s *cluster.Shoot, address string) {
	e.t.Helper()
	twoYears, ninetyDays := 730*24*time.Hour, 90*24*time.Hour
	configs := []extensionssecretsmanager.SecretConfigWithOptions{{
		Config: &secretsutils.CertificateSecretConfig{
			Name: authority, CommonName: authority, CertType: secretsutils.CACert, Validity: &twoYears,
		},
		Options: []secretsmanager.GenerateOption{secretsmanager.Persist()},
	}, {
		Config: &secretsutils.CertificateSecretConfig{
			Name: serverOfDocker, CommonName: serverOfDocker, CertType: secretsutils.ServerCert, Validity: &ninetyDays,
			DNSNames: []string{
				"registry-docker-io", "registry-docker-io.kube-system", "registry-docker-io.kube-system.svc",
				"registry-docker-io.kube-system.svc.cluster.local",
			},
			IPAddresses: []net.IP{net.ParseIP(address)},
		},
		Options: []secretsmanager.GenerateOption{secretsmanager.SignedByCA(authority, secretsmanager.UseOldCA)},
	}}
	landscape, err := extensionscontroller.GetCluster(e.ctx, e.Client(), s.Namespace)
	e.must(err)
	manager, err := extensionssecretsmanager.SecretsManagerForCluster(
		e.ctx, logr.Discard(), clock.RealClock{}, e.Client(), landscape, secretsIdentity, configs)
	e.must(err)
	_, err = extensionssecretsmanager.GenerateAllSecrets(e.ctx, manager, configs)
	e.must(err)
}
