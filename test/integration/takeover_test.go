//go:build integration

package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// existing are caches with and without TLS, highly available, with another name of the Service, and with a long name.
var existing = []existingCache{
	{upstream: "docker.io", remoteURL: dockerURL, name: "registry-docker-io", service: "registry-docker-io", label: "docker.io", tls: true},
	{upstream: "quay.io", remoteURL: quayURL, name: "registry-quay-io", service: "registry-hub", label: "quay.io", tls: true},
	{
		upstream: "ghcr.io", remoteURL: "https://ghcr.io", name: "registry-ghcr-io", service: "registry-ghcr-io", label: "ghcr.io",
		highlyAvail: true,
	},
	{
		upstream: "my-very-long-registry.very-long-subdomain.io", remoteURL: "https://my-very-long-registry.very-long-subdomain.io",
		name: "registry-my-very-long-registry-very-long-subdo-2fae3", service: "registry-my-very-long-registry-very-long-subdo-2fae3",
		label: "my-very-long-registry.very-long-subdo-2fae3",
	},
}

// existingProviderConfig is what their user wrote.
var existingProviderConfig = config(
	secured("docker.io"),
	`{"upstream": "quay.io", "volume": {"size": "1Gi"}, "serviceNameSuffix": "hub"}`,
	`{"upstream": "ghcr.io", "volume": {"size": "1Gi"}, "http": {"tls": false}, "highAvailability": {"enabled": true}}`,
	plain("my-very-long-registry.very-long-subdomain.io"))

// TestTakeOver starts this extension where the existing one was: nothing is deleted, data, addresses and authority stay, and
// what changes in the pods is printed.
func TestTakeOver(t *testing.T) {
	e := newBareEnv(t)
	s := e.newShoot("takeover")
	addresses := e.existingServices(s, existing)
	pairs, bundle := e.existingKeyPairs(s, existing, addresses)
	e.existingCaches(s, existing, pairs)
	e.existingExtension(s, existingProviderConfig, existing, addresses, bundle)
	e.awaitApplied(s)
	e.eventually(30*time.Second, func() error { return e.shootObjects().has(existingObjects()...) })
	before, certificates, moment := e.shootObjects(), e.managedSecrets(s, ""), e.now()

	e.extension = e.startController("extension")
	e.waitHealthy(e.extension, "/readyz")
	status := e.reconcile(s, existingProviderConfig)
	e.awaitApplied(s)
	e.eventually(30*time.Second, func() error { return e.allTakenOver(before) })

	for i, cache := range status.Caches {
		want := existing[i].scheme() + "://" + addresses[existing[i].upstream] + ":5000"
		if cache.Upstream != existing[i].upstream || cache.Endpoint != want {
			t.Errorf("the status has %s for %s, want %s for %s", cache.Endpoint, cache.Upstream, want, existing[i].upstream)
		}
	}
	if named := bundleOf(&status); named != bundle {
		t.Errorf("the status names the bundle %q, want still %q", named, bundle)
	}
	e.expectSameSecrets(s, certificates)
	e.expectNothingDeleted(s, moment)
	for i := range existing {
		id := "StatefulSet " + existing[i].name
		old, now := before[id].(*appsv1.StatefulSet), e.shootObjects()[id].(*appsv1.StatefulSet)
		t.Logf("figure: what the take-over changes in the pods of %s (%s):\n%s", existing[i].upstream, existing[i].scheme(),
			cmp.Diff(old.Spec.Template, now.Spec.Template))
	}
	e.disable(s) // what was taken over can be removed as well
	e.expectNothing(s)
}

// existingObjects are what the shoot has of them.
func existingObjects() (objects []string) {
	for i := range existing {
		c := &existing[i]
		objects = append(objects, "Service "+c.service, "StatefulSet "+c.name, "PersistentVolumeClaim cache-volume-"+c.name+"-0")
	}
	return objects
}

var errNotTakenOver = errors.New("a StatefulSet has not been changed yet")

// allTakenOver returns an error unless each StatefulSet, claim and Service is the one of before, with its address, and each
// StatefulSet has been changed: else nothing would have been proven.
func (e *env) allTakenOver(before inShoot) error {
	now := e.shootObjects()
	for _, id := range existingObjects() {
		old, object := before[id], now[id]
		switch {
		case object == nil || object.GetUID() != old.GetUID():
			e.t.Fatalf("%s was not taken over", id)
		case strings.HasPrefix(id, "StatefulSet ") && object.GetGeneration() == old.GetGeneration():
			return errNotTakenOver
		}
		if service, ok := object.(*corev1.Service); ok && service.Spec.ClusterIP != old.(*corev1.Service).Spec.ClusterIP {
			e.t.Fatalf("%s has another address", id)
		}
	}
	return nil
}

// expectSameSecrets fails unless the certificates in the seed are exactly those of before.
func (e *env) expectSameSecrets(s *cluster.Shoot, before []corev1.Secret) {
	e.t.Helper()
	versions := func(secrets []corev1.Secret) map[string]string {
		found := map[string]string{}
		for i := range secrets {
			found[secrets[i].Name] = string(secrets[i].UID) + " " + secrets[i].ResourceVersion
		}
		return found
	}
	if diff := cmp.Diff(versions(before), versions(e.managedSecrets(s, ""))); diff != "" {
		e.t.Errorf("the certificates are not those of the existing extension (-before +after):\n%s", diff)
	}
}

// expectNothingDeleted fails if anything was deleted since a moment but Secrets with a hash in their names, which the garbage
// collector takes when nobody uses them any more.
func (e *env) expectNothingDeleted(s *cluster.Shoot, moment string) {
	e.t.Helper()
	writes := e.since(moment, &corev1.ServiceList{}, &appsv1.StatefulSetList{}, &appsv1.DaemonSetList{}, &corev1.PersistentVolumeClaimList{},
		&corev1.SecretList{}, &networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{},
		&resourcesv1alpha1.ManagedResourceList{}, &extensionsv1alpha1.ExtensionList{}).in(s.Namespace, "kube-system")
	deleted := slices.DeleteFunc(writes, func(c change) bool {
		return c.what != watch.Deleted && c.object.GetDeletionTimestamp() == nil || isCollectable(c.object)
	})
	if len(deleted) > 0 {
		e.t.Errorf("the take-over has deleted:%s", deleted)
	}
}

func isCollectable(object client.Object) bool {
	return object.GetLabels()["resources.gardener.cloud/garbage-collectable-reference"] == "true"
}
