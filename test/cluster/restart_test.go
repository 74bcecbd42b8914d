//go:build integration

package cluster_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestAPIServerRestart shows that the data and the address stay, and that the controllers go on.
func TestAPIServerRestart(t *testing.T) {
	ctx := deadline(t)
	shoot, err := shared.NewShoot(ctx, "restart")
	if err != nil {
		t.Fatal(err)
	}
	createManagedResource(ctx, t, shared, shoot.Namespace, "before")
	awaitConfigMap(ctx, t, shared, "before")

	if err := shared.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	before := emptyConfigMap("before")
	if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(before), before); err == nil {
		t.Fatal("a stopped API server answered")
	}
	if err := shared.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}

	awaitConfigMap(ctx, t, shared, "before")
	createManagedResource(ctx, t, shared, shoot.Namespace, "after")
	awaitConfigMap(ctx, t, shared, "after")
	for _, name := range []string{"before", "after"} {
		deleteManagedResource(ctx, t, shared, shoot.Namespace, name)
	}
	if err := shoot.Delete(ctx); err != nil {
		t.Error(err)
	}
}
