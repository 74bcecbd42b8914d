//go:build integration

package integration

import (
	"fmt"
	"testing"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
)

// versioned is a providerConfig of a version with one cache for docker.io, whose further fields are JSON.
func versioned(version, fields string) []byte {
	return fmt.Appendf(nil, `{"apiVersion": "registry.extensions.gardener.cloud/%s", "kind": "RegistryConfig", "caches": [{"upstream": "docker.io", %s}]}`,
		version, fields)
}

// TestEachAPIVersion creates a cache with each of the versions that Shoots still have. They differ in what they leave unsaid:
// the storage class and TLS.
func TestEachAPIVersion(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("versions")
	for i, c := range []struct{ version, fields, scheme, class string }{
		{"v1alpha1", `"size": "1Gi"`, "http", "default"},
		{"v1alpha2", `"volume": {"size": "1Gi"}`, "http", ""},
		{"v1alpha3", `"volume": {"size": "1Gi"}`, "https", ""},
	} {
		if i > 0 {
			e.disable(s)
		}
		e.reconcile(s, versioned(c.version, c.fields))
		found := e.expectCaches("docker-io")
		e.expectStatus(s, "docker.io "+c.scheme+" docker-io")
		e.expectClass(found, c.class)
		if size := found.claim("docker-io").Spec.Resources.Requests.Storage(); size.String() != "1Gi" {
			t.Errorf("%s: the claim asks for %s", c.version, size)
		}
	}
}

// expectClass fails unless the cache for docker.io asks for a storage class, "" for the cluster's default.
func (e *env) expectClass(found inShoot, want string) {
	e.t.Helper()
	class := found.statefulSet("docker-io").Spec.VolumeClaimTemplates[0].Spec.StorageClassName
	if class == nil && want != "" || class != nil && *class != want {
		e.t.Errorf("the StatefulSet asks for the storage class %v, want %q", class, want)
	}
}

// TestUpgradeInPlace writes the same config in newer and newer versions. The first version knew no storage class and had all
// claims in "default", which the others have to say.
func TestUpgradeInPlace(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("upgrade")
	e.reconcile(s, versioned("v1alpha1", `"size": "1Gi", "garbageCollection": {"enabled": true}`))
	before := e.expectCaches("docker-io")
	e.expectClass(before, "default")

	const class = `"volume": {"size": "1Gi", "storageClassName": "default"}`
	for _, c := range []struct{ version, without, with string }{
		{"v1alpha2", `"volume": {"size": "1Gi"}`, class + `, "garbageCollection": {"enabled": true}`},
		{"v1alpha3", `"volume": {"size": "1Gi"}, "http": {"tls": false}`, class + `, "http": {"tls": false}, "garbageCollection": {"ttl": "168h"}`},
	} {
		deployed := e.deployed(s)
		want := wrongForShoot + `spec.volumeClaimTemplates[cache-volume].spec.storageClassName: field is immutable, the config for "docker.io" ` +
			`asks for "": set volume.storageClassName to "default", or remove the cache and add it again, which loses what is cached`
		if got := e.failsWith(s, versioned(c.version, c.without), gardencorev1beta1.ErrorConfigurationProblem); got != want {
			t.Errorf("%s without a storage class:\n got %s\nwant %s", c.version, got, want)
		}
		e.reconcile(s, versioned(c.version, c.with))
		e.expectUnchanged(s, deployed)
		e.expectStatus(s, "docker.io http docker-io")
	}
	e.expectKept(before, "docker-io")
	if got, want := e.shootObjects().statefulSet("docker-io").Generation, before.statefulSet("docker-io").Generation; got != want {
		t.Errorf("the StatefulSet was changed %d times", got-want)
	}
}
