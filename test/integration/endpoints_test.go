//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/extension"
)

// TestEndpoints is what others watch the extension by: gardenlet the heartbeat, kubelet the health, Prometheus the metrics.
func TestEndpoints(t *testing.T) {
	started := time.Now()
	e := newEnv(t, "--heartbeat-renew-interval-seconds=2")
	e.waitHealthy(e.extension, "/healthz")
	e.waitHealthy(e.extension, "/readyz")

	var first time.Time
	for _, after := range []*time.Time{&started, &first} {
		e.eventually(20*time.Second, func() error {
			lease := &coordinationv1.Lease{}
			key := client.ObjectKey{Namespace: extension.Namespace, Name: "gardener-extension-heartbeat"}
			if err := e.Client().Get(e.ctx, key, lease); err != nil {
				return err
			}
			renewed, holder := lease.Spec.RenewTime, lease.Spec.HolderIdentity
			if holder == nil || *holder != "extension-registry-cache" {
				return fmt.Errorf("the heartbeat is that of %v", holder)
			}
			if renewed == nil || !renewed.After(*after) {
				return fmt.Errorf("the last heartbeat was at %s", renewed)
			}
			first = renewed.Time
			return nil
		})
	}

	s := e.newShoot("endpoints")
	e.reconcile(s, config(plain("docker.io")))
	metrics := e.metrics()
	for _, want := range []string{
		`controller_runtime_reconcile_total{controller="registry-cache-controller",result="success"}`,
		`controller_runtime_reconcile_total{controller="heartbeat",result="requeue_after"}`,
		"rest_client_requests_total{", "controller_runtime_webhook_requests_in_flight{",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s", want)
		}
	}
}
