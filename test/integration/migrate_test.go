//go:build integration

package integration

import (
	"maps"
	"slices"
	"testing"
	"time"

	secretsmanager "github.com/gardener/gardener/pkg/utils/secrets/manager"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

const certificateAuthority = "ca-extension-registry-cache"

// TestMigrateAndRestore: the control plane moves to another seed. The shoot's namespace in the old one is deleted, and what
// gardenlet persists is all that the new one starts with. In the shoot nothing notices, but for a cache with TLS its new
// certificate, of the same authority: only that is persisted.
func TestMigrateAndRestore(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("migrate")
	caches := config(plain("docker.io"), secured("quay.io"))
	e.reconcile(s, caches)
	before, status := e.expectCaches("docker-io", "quay-io"), e.status(s)
	authority := e.certificateData(s, certificateAuthority)

	moment := e.now()
	e.took("migrating", func() { e.must(s.MigrateExtension(e.ctx, cacheExtension)) })
	e.must(e.noManagedResources(s))
	for _, object := range e.monitoringObjects(s) {
		e.must(e.gone(object))
	}
	e.expectNoCleaner(moment)
	all := objectsOf("docker-io", "quay-io")
	e.same(before, e.expectCaches("docker-io", "quay-io"), all...)

	e.took("moving to another seed", func() { s = e.moveSeed(s) })
	e.same(before, e.expectCaches("docker-io", "quay-io"), all...)

	moment = e.now()
	e.must(s.RestoreExtension(e.ctx, cacheExtension, caches, nil))
	e.took("restoring", func() { e.must(s.WaitReady(e.ctx, cacheExtension)) })
	e.expectStatus(s, "docker.io http docker-io", "quay.io https quay-io")
	if diff := cmp.Diff(status, e.status(s)); diff != "" {
		t.Errorf("the status is another one: %s", diff)
	}
	if diff := cmp.Diff(authority, e.certificateData(s, certificateAuthority)); diff != "" {
		t.Error("the certificate authority is another one")
	}
	e.expectMonitoring(s)
	// The resource-manager has taken everything over when both ManagedResources are healthy; another reconciliation in the
	// new seed changes nothing either.
	e.awaitApplied(s)
	e.reconcile(s, caches)
	e.awaitApplied(s)
	after := e.expectCaches("docker-io", "quay-io")
	e.same(before, after, slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == "StatefulSet registry-quay-io" })...)
	e.sameButCertificate(before["StatefulSet registry-quay-io"], after["StatefulSet registry-quay-io"])
	e.expectNoCleaner(moment)
}

// certificateData returns the data of the certificate with a name; during a rotation there would be two.
func (e *env) certificateData(s *cluster.Shoot, name string) map[string][]byte {
	e.t.Helper()
	for _, secret := range e.managedSecrets(s, "") {
		if secret.Labels[secretsmanager.LabelKeyName] == name {
			return secret.Data
		}
	}
	e.t.Fatalf("there is no certificate %s", name)
	return nil
}

// moveSeed deletes all that the old seed has of a shoot, and makes a namespace in the new one with what gardenlet persists:
// Secrets with the label persist, their labels, types and data.
func (e *env) moveSeed(s *cluster.Shoot) *cluster.Shoot {
	e.t.Helper()
	var persisted corev1.SecretList
	e.must(e.Client().List(e.ctx, &persisted, client.InNamespace(s.Namespace),
		client.MatchingLabels{secretsmanager.LabelKeyPersist: secretsmanager.LabelValueTrue}))
	e.must(s.Delete(e.ctx))
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
	e.eventually(time.Minute, func() error { return e.gone(namespace) })
	s = e.newShoot(s.Name)
	for _, secret := range persisted.Items {
		e.must(e.Client().Create(e.ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: secret.Name, Labels: maps.Clone(secret.Labels)},
			Immutable:  secret.Immutable, Type: secret.Type, Data: secret.Data,
		}))
	}
	return s
}

// sameButCertificate fails unless a StatefulSet is the same as before, but for the Secret with its certificate.
func (e *env) sameButCertificate(before, after client.Object) {
	e.t.Helper()
	old, isOld := before.(*appsv1.StatefulSet)
	now, isNow := after.(*appsv1.StatefulSet)
	if !isOld || !isNow || old.UID != now.UID {
		e.t.Fatal("the StatefulSet of the cache with TLS was made anew")
	}
	for _, set := range []*appsv1.StatefulSet{old, now} {
		for i := range set.Spec.Template.Spec.Volumes {
			if volume := &set.Spec.Template.Spec.Volumes[i]; volume.Name == "certs-volume" {
				volume.Secret.SecretName = ""
			}
		}
		// They name the Secrets for the garbage collector.
		set.Spec.Template.Annotations = nil
	}
	if diff := cmp.Diff(old.Spec, now.Spec); diff != "" {
		e.t.Errorf("the StatefulSet of the cache with TLS was changed: %s", diff)
	}
}
