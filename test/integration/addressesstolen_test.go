//go:build integration

package integration

import (
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestSeveralAddressesStolen: the resource-manager tells of one refusal after the other, and the config has changed meanwhile.
// Each pin must go as soon as it is refused, or the Extension would wait for what never comes.
func TestSeveralAddressesStolen(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("severalstolen")
	e.reconcile(s, config(plain("docker.io"), plain("quay.io")))
	before := e.expectCaches("docker-io", "quay-io")

	e.must(e.Process(cluster.ResourceManager).Stop(10 * time.Second))
	for thief, victim := range map[string]string{"thief-one": "docker-io", "thief-two": "quay-io"} {
		service := before.service(victim)
		e.must(e.Client().Delete(e.ctx, service))
		foreign := e.foreignService(thief, nil, service.Spec.ClusterIP)
		defer e.expectUntouched(foreign)
	}
	e.must(e.StartResourceManager(e.ctx))
	e.reconcile(s, config(plain("docker.io"), plain("quay.io"), plain("ghcr.io")))
	after := e.expectCaches("docker-io", "quay-io", "ghcr-io")
	for _, name := range []string{"docker-io", "quay-io"} {
		if after.service(name).Spec.ClusterIP == before.service(name).Spec.ClusterIP {
			t.Errorf("registry-%s has its stolen address", name)
		}
	}
	e.expectStatus(s, "docker.io http docker-io", "quay.io http quay-io", "ghcr.io http ghcr-io")
	if messages := e.events(s, "ServiceAddressLost"); len(messages) != 2 {
		t.Errorf("two addresses were lost, the events are %q", messages)
	}
}
