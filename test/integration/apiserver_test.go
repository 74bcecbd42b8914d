//go:build integration

package integration

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAPIServerRestarted kills the API server in the middle of operations and starts it again. The extension outlives that as
// the same process, and ends what it had begun; it has no leadership to lose here.
func TestAPIServerRestarted(t *testing.T) {
	e := newEnv(t)
	s := e.newShoot("restart")
	two := []wanted{{"docker.io", true}, {"quay.io", false}}

	e.must(s.ApplyExtension(e.ctx, cacheExtension, configOf(two)))
	e.awaitObject("restart of the API server in a creation", managedResource(s, "extension-registry-cache-services"))
	e.interrupt()
	e.took("the rest of the creation", func() { e.must(s.WaitReady(e.ctx, cacheExtension)) })
	e.expectEnd(s, two)
	before := e.shootObjects()

	e.must(s.ApplyExtension(e.ctx, cacheExtension, configOf(two[:1])))
	e.awaitObject("restart of the API server in a removal", managedResource(s, "extension-registry-configuration-cleaner"))
	e.interrupt()
	e.took("the rest of the removal", func() { e.must(s.WaitReady(e.ctx, cacheExtension)) })
	e.expectEnd(s, two[:1])
	e.expectKept(before, "docker-io")
}

// interrupt kills the API server, leaves it dead until the operation has noticed, and starts it again.
func (e *env) interrupt() {
	e.t.Helper()
	seen := len(e.extension.Logs())
	e.must(e.StopAPIServer())
	e.eventually(30*time.Second, func() error {
		for line := range strings.Lines(e.extension.Logs()[seen:]) {
			if strings.Contains(line, "ERROR") && strings.Contains(line, "connection refused") && strings.Contains(line, `"registry-cache-controller"`) {
				return nil
			}
		}
		return errors.New("the operation has not noticed that the API server is gone")
	})
	e.must(e.StartAPIServer(e.ctx))
	e.waitHealthy(e.extension, "/readyz") // the same process
}

// awaitObject waits until an object is there, with a look every few milliseconds: the operation goes on meanwhile.
func (e *env) awaitObject(what string, object client.Object) {
	e.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := e.Client().Get(e.ctx, client.ObjectKeyFromObject(object), object)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			e.t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
