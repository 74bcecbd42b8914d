//go:build integration

package integration

import "testing"

// TestCreateOneCache: from nothing to a cache with a status that names its address.
func TestCreateOneCache(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("one")
	e.reconcile(s, config(plain("docker.io")))
	e.expectCaches("docker-io")
	e.expectStatus(s, "docker.io http docker-io")
}

// TestCreateThreeCaches: the status lists them in the order of the config, which is not that of their names.
func TestCreateThreeCaches(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("three")
	e.reconcile(s, config(secured("quay.io"), plain("docker.io"),
		`{"upstream": "ghcr.io", "volume": {"size": "1Gi"}, "serviceNameSuffix": "hub", "http": {"tls": false}}`))
	e.eventually(45e9, func() error {
		return e.shootObjects().has(append(objectsOf("quay-io", "docker-io"),
			"Service registry-hub", "StatefulSet registry-ghcr-io", "PersistentVolumeClaim cache-volume-registry-ghcr-io-0")...)
	})
	e.expectStatus(s, "quay.io https quay-io", "docker.io http docker-io", "ghcr.io http hub")
	// Once more changes nothing.
	before := e.shootObjects()
	e.reconcile(s, config(secured("quay.io"), plain("docker.io"),
		`{"upstream": "ghcr.io", "volume": {"size": "1Gi"}, "serviceNameSuffix": "hub", "http": {"tls": false}}`))
	for name, object := range e.shootObjects() {
		if old := before[name]; old == nil || old.GetUID() != object.GetUID() || old.GetGeneration() != object.GetGeneration() {
			t.Errorf("%s was changed by a reconciliation of the same config", name)
		}
	}
}
