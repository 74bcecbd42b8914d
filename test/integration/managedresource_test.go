//go:build integration

package integration

import (
	resourcesv1alpha1 "github.com/gardener/gardener/pkg/apis/resources/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/test/cluster"
)

// managedResource returns a ManagedResource of a shoot that has nothing but its name.
func managedResource(s *cluster.Shoot, name string) *resourcesv1alpha1.ManagedResource {
	return &resourcesv1alpha1.ManagedResource{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
}
