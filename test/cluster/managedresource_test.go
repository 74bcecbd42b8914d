//go:build integration

package cluster_test

import (
	"context"
	"fmt"
	"testing"

	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	"github.com/gardener/gardener/pkg/utils/managedresources"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// TestManagedResourceIsApplied shows that one resource-manager serves the namespaces of all shoots.
func TestManagedResourceIsApplied(t *testing.T) {
	ctx := deadline(t)
	for _, name := range []string{"applied-1", "applied-2"} {
		shoot, err := shared.NewShoot(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		createManagedResource(ctx, t, shared, shoot.Namespace, name)
		awaitConfigMap(ctx, t, shared, name)
		deleteManagedResource(ctx, t, shared, shoot.Namespace, name)
		if err := shoot.Delete(ctx); err != nil {
			t.Error(err)
		}
	}
}

// createManagedResource makes a ManagedResource for the shoot, with a ConfigMap of the same name in kube-system.
func createManagedResource(ctx context.Context, t *testing.T, c *cluster.Cluster, namespace, name string) {
	t.Helper()
	manifest := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"namespace":"kube-system"},"data":{"shoot":%q}}`, name, name)
	if err := managedresources.CreateForShoot(ctx, c.Client(), namespace, name, "test", false, map[string][]byte{"configmap.yaml": manifest}); err != nil {
		t.Fatal(err)
	}
}

// awaitConfigMap waits until the resource-manager has written the ConfigMap of a ManagedResource.
func awaitConfigMap(ctx context.Context, t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	configMap := emptyConfigMap(name)
	eventually(ctx, t, func() error { return c.Client().Get(ctx, client.ObjectKeyFromObject(configMap), configMap) })
	if got := configMap.Data["shoot"]; got != name {
		t.Errorf("the ConfigMap in the shoot says %q, want %q", got, name)
	}
}

// deleteManagedResource deletes a ManagedResource and waits until it is gone, and its ConfigMap with it.
func deleteManagedResource(ctx context.Context, t *testing.T, c *cluster.Cluster, namespace, name string) {
	t.Helper()
	if err := managedresources.DeleteForShoot(ctx, c.Client(), namespace, name); err != nil {
		t.Fatal(err)
	}
	resource := &resourcesv1alpha1.ManagedResource{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, object := range []client.Object{resource, emptyConfigMap(name)} {
		eventually(ctx, t, func() error {
			err := c.Client().Get(ctx, client.ObjectKeyFromObject(object), object)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("%T %s is not gone: %w", object, name, err)
		})
	}
}

func emptyConfigMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceSystem, Name: name}}
}
