//go:build integration

package integration

import (
	"regexp"
	"slices"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestTLSOnOffOn: both ways without another StatefulSet, claim or address, and no certificate goes while the status names its
// authority.
func TestTLSOnOffOn(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("tls")
	begin := e.now()

	e.reconcile(s, config(secured("docker.io")))
	on := e.expectCaches("docker-io")
	e.expectStatus(s, "docker.io https docker-io")
	address := on.service("docker-io").Spec.ClusterIP
	e.expectCertificates(s, address)
	first := e.managedSecrets(s, "")

	moment := e.now()
	e.reconcile(s, config(plain("docker.io")))
	e.expectStatus(s, "docker.io http docker-io")
	e.eventually(30*time.Second, func() error { return e.withoutCertificate("docker-io") })
	if left := e.managedSecrets(s, ""); len(left) > 0 {
		t.Errorf("there are %d certificates without TLS, such as %s", len(left), left[0].Name)
	}
	e.must(e.since(moment, &corev1.SecretList{}, &extensionsv1alpha1.ExtensionList{}).in(s.Namespace).orderedBefore(statusNames(""), first))

	e.reconcile(s, config(secured("docker.io")))
	e.expectStatus(s, "docker.io https docker-io")
	e.expectCertificates(s, address)
	e.expectKept(on, "docker-io")
	e.must(e.since(begin, &corev1.SecretList{}, &extensionsv1alpha1.ExtensionList{}).in(s.Namespace).bundlesWereThere())
}

// expectCertificates fails unless there are the certificates that the existing extension makes for a cache of docker.io, for
// nodes to trust and the cache to use.
func (e *env) expectCertificates(s *cluster.Shoot, address string) {
	e.t.Helper()
	e.expectAuthority(s)
	server := e.managedSecret(s, serverOfDocker)
	certificate := e.parse(server.Data["tls.crt"])[0]
	if certificate.Subject.CommonName != serverOfDocker {
		e.t.Errorf("the certificate is for %q", certificate.Subject.CommonName)
	}
	if lasts := certificate.NotAfter.Sub(certificate.NotBefore); lasts < 90*24*time.Hour || lasts > 90*24*time.Hour+time.Hour {
		e.t.Errorf("the certificate lasts %s", lasts)
	}
	want := []string{"registry-docker-io", "registry-docker-io.kube-system", "registry-docker-io.kube-system.svc", "registry-docker-io.kube-system.svc.cluster.local"}
	if !slices.Equal(certificate.DNSNames, want) {
		e.t.Errorf("the certificate is for the names %v, want %v", certificate.DNSNames, want)
	}
	if ips := certificate.IPAddresses; len(ips) != 1 || ips[0].String() != address {
		e.t.Errorf("the certificate is for the addresses %v, want %s alone", ips, address)
	}
	e.must(verify(certificate, e.trusted(s), address))

	served := e.awaitServed("docker-io", server.Data["tls.crt"])
	if !regexp.MustCompile(`^registry-docker-io-tls-[0-9a-f]{8}$`).MatchString(served.Name) {
		e.t.Errorf("the Secret in the shoot is %s", served.Name)
	}
	if served.Immutable == nil || !*served.Immutable || len(served.Data) != 2 || string(served.Data["tls.key"]) != string(server.Data["tls.key"]) {
		e.t.Errorf("the Secret %s in the shoot is not the key pair of the seed", served.Name)
	}
}

// expectAuthority fails unless there is one authority, and the status names its bundle.
func (e *env) expectAuthority(s *cluster.Shoot) {
	e.t.Helper()
	ca := e.managedSecret(s, authority)
	certificate := e.parse(ca.Data["ca.crt"])[0]
	if certificate.Subject.CommonName != ca.Name || !certificate.IsCA {
		e.t.Errorf("the authority %s is for %q, isCA: %v", ca.Name, certificate.Subject.CommonName, certificate.IsCA)
	}
	if lasts := certificate.NotAfter.Sub(certificate.NotBefore); lasts < 730*24*time.Hour || lasts > 730*24*time.Hour+time.Hour {
		e.t.Errorf("the authority lasts %s", lasts)
	}
	if ca.Labels["persist"] != "true" {
		e.t.Errorf("the authority would be lost in a migration, it has the labels %v", ca.Labels)
	}
	status := e.status(s)
	if bundle := e.managedSecret(s, authority+"-bundle"); bundleOf(&status) != bundle.Name {
		e.t.Errorf("the status names %q, the bundle is %s", bundleOf(&status), bundle.Name)
	}
	if trusted := e.trusted(s); len(trusted) != 1 || !trusted[0].Equal(certificate) {
		e.t.Errorf("the bundle has %d authorities, want the one", len(trusted))
	}
}
