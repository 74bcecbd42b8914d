//go:build integration

package cluster_test

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestSideBySide runs a second cluster beside the shared one, of dual stack with IPv6 first. Neither knows of the other,
// nor of a cluster that the developer may be logged in to.
func TestSideBySide(t *testing.T) {
	ctx := deadline(t)
	t.Setenv("KUBECONFIG", "/of/another/cluster")
	second, err := cluster.Start(ctx, cluster.Options{ServiceCIDR: "fd00:10:96::/112,10.97.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, second)

	shoot, err := second.NewShoot(ctx, "second")
	if err != nil {
		t.Fatal(err)
	}
	createManagedResource(ctx, t, second, shoot.Namespace, "side-by-side")
	awaitConfigMap(ctx, t, second, "side-by-side")
	other := emptyConfigMap("side-by-side")
	if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(other), other); !apierrors.IsNotFound(err) {
		t.Errorf("reading the second cluster's ConfigMap in the first one: %v, want that it is not there", err)
	}

	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: shoot.Namespace, Name: "cache"}}
	service.Spec.Ports = []corev1.ServicePort{{Port: 5000}}
	if err := second.Client().Create(ctx, service); err != nil {
		t.Fatal(err)
	}
	if address := netip.MustParseAddr(service.Spec.ClusterIP); !address.Is6() {
		t.Errorf("the cluster IP is %s, want one of IPv6", address)
	}
}

// stop stops a cluster that a test has started.
func stop(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}
