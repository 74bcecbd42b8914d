//go:build integration

package integration

import (
	"slices"
	"testing"
	"time"
)

// TestForeignServiceDoesNotDisturb: anybody may give a Service in kube-system the label upstream-host. It is neither counted
// nor cleaned nor deleted, whatever happens to the caches.
func TestForeignServiceDoesNotDisturb(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("foreign")
	foreign := e.foreignService("web", map[string]string{"upstream-host": "docker.io", "app": "registry-docker-io"}, "")
	with := func(names ...string) {
		e.t.Helper()
		e.eventually(45*time.Second, func() error { return e.shootObjects().has(append(objectsOf(names...), "Service web")...) })
	}
	e.reconcile(s, config(plain("docker.io"), plain("quay.io")))
	with("docker-io", "quay-io")
	e.expectStatus(s, "docker.io http docker-io", "quay.io http quay-io")

	e.reconcile(s, config(plain("quay.io")))
	with("quay-io")
	e.expectStatus(s, "quay.io http quay-io")
	e.disable(s)
	with()
	e.expectUntouched(foreign)
	want := []string{"docker.io taken off 0 node(s)", "quay.io taken off 0 node(s)"}
	messages := e.events(s, "NodesCleaned")
	slices.Sort(messages)
	if !slices.Equal(messages, want) {
		t.Errorf("cleaned were %q, want %q", messages, want)
	}
}
