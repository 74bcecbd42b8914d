//go:build integration

package integration

import (
	"testing"
	"time"
)

// TestServiceNameSuffixChanged: another Service with another address, and a certificate for both its name and its address; the
// cache itself stays. And back.
func TestServiceNameSuffixChanged(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("suffix")
	e.reconcile(s, config(secured("docker.io")))
	before := e.expectCaches("docker-io")
	for _, c := range []struct{ config, service string }{
		{`{"upstream": "docker.io", "volume": {"size": "1Gi"}, "serviceNameSuffix": "hub"}`, "hub"},
		{`{"upstream": "docker.io", "volume": {"size": "1Gi"}, "serviceNameSuffix": "dock"}`, "dock"},
		{secured("docker.io"), "docker-io"},
	} {
		e.reconcile(s, config(c.config))
		e.eventually(45*time.Second, func() error {
			return e.shootObjects().has("Service registry-"+c.service, "StatefulSet registry-docker-io", "PersistentVolumeClaim cache-volume-registry-docker-io-0")
		})
		e.expectStatus(s, "docker.io https "+c.service)
		after := e.shootObjects()
		e.expectCertificateFor(s, after.service(c.service).Spec.ClusterIP)
		e.expectCertificateFor(s, "registry-"+c.service+".kube-system.svc")
		if after.statefulSet("docker-io").UID != before.statefulSet("docker-io").UID || after.claim("docker-io").UID != before.claim("docker-io").UID {
			t.Error("the cache was made anew")
		}
	}
}
