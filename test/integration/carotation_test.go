//go:build integration

package integration

import (
	"crypto/x509"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestCARotation goes through the phases of a rotation of the shoot's authorities. At each the certificate of the cache is one
// that nodes take with the bundle of that phase, and with that of the phase before: they learn of a new one later.
func TestCARotation(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("rotation")
	begin := e.now()
	r := &caRotation{env: e, s: s}
	r.reconcile(s, config(secured("docker.io")))
	before := r.expectCaches("docker-io")
	r.address = before.service("docker-io").Spec.ClusterIP
	r.expectAuthority(s)
	r.bundle = r.trusted(s)
	old, server := *r.managedSecret(s, authority), *r.managedSecret(s, serverOfDocker)
	oldBundle := *r.managedSecret(s, authority+"-bundle")

	// Preparing: nodes learn of the new authority; until they all have, the old one signs.
	moment := r.enter(gardencorev1beta1.RotationPreparing, 2)
	r.expectServer(&server)
	bothBundle := *r.managedSecret(s, authority+"-bundle")
	e.must(r.written(moment).orderedBefore(statusNames(bothBundle.Name), []corev1.Secret{oldBundle}))
	preparing := e.deployed(s)

	// Prepared: nothing changes.
	r.enter(gardencorev1beta1.RotationPrepared, 2)
	e.expectUnchanged(s, preparing)

	// Completing: the new authority signs, and nodes forget the old one.
	moment = r.enter(gardencorev1beta1.RotationCompleting, 1)
	if r.bundle[0].Equal(r.parse(old.Data["ca.crt"])[0]) {
		t.Error("the old authority is left, not the new one")
	}
	e.must(r.written(moment).orderedBefore(statusNames(r.managedSecret(s, authority+"-bundle").Name), []corev1.Secret{bothBundle, old, server}))
	completing := e.deployed(s)

	r.enter(gardencorev1beta1.RotationCompleted, 1)
	e.expectUnchanged(s, completing)
	e.expectAuthority(s)
	e.expectKept(before, "docker-io")
	e.must(r.written(begin).bundlesWereThere())
}

// caRotation is where a rotation stands.
type caRotation struct {
	*env
	s       *cluster.Shoot
	address string
	bundle  []*x509.Certificate
}

// written are the writes of Secrets and of the Extension since a moment.
func (r *caRotation) written(since string) history {
	r.t.Helper()
	return r.since(since, &corev1.SecretList{}, &extensionsv1alpha1.ExtensionList{}).in(r.s.Namespace)
}

// enter brings the rotation into a phase and checks what nodes trust. It returns the moment before.
func (r *caRotation) enter(phase gardencorev1beta1.CredentialsRotationPhase, authorities int) (moment string) {
	r.t.Helper()
	moment = r.now()
	r.must(r.s.RotateCA(r.ctx, phase))
	r.reconcile(r.s, config(secured("docker.io")))
	r.expectStatus(r.s, "docker.io https docker-io")
	bundle := r.trusted(r.s)
	if len(bundle) != authorities || len(r.managedSecrets(r.s, authority)) != authorities {
		r.t.Fatalf("%s: the bundle has %d authorities, there are %d; want %d", phase, len(bundle), len(r.managedSecrets(r.s, authority)), authorities)
	}
	server := r.managedSecret(r.s, serverOfDocker)
	r.awaitServed("docker-io", server.Data["tls.crt"])
	for when, trusted := range map[string][]*x509.Certificate{"of this phase": bundle, "of the phase before": r.bundle} {
		if err := verify(r.parse(server.Data["tls.crt"])[0], trusted, r.address); err != nil {
			r.t.Errorf("%s: a node with the bundle %s does not trust the cache: %v", phase, when, err)
		}
	}
	r.bundle = bundle
	return moment
}

// expectServer fails unless the certificate of the cache is still the same.
func (r *caRotation) expectServer(want *corev1.Secret) {
	r.t.Helper()
	if got := r.managedSecret(r.s, serverOfDocker); got.UID != want.UID {
		r.t.Errorf("the certificate of the cache is %s, want still %s", got.Name, want.Name)
	}
}
