package charts

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ofPods are the kinds of objects that mean something to pods only.
var ofPods = sets.New("Deployment", "PodDisruptionBudget", "VerticalPodAutoscaler", "PriorityClass")

// CreateWithoutPods creates the objects that a process needs which is started in place of a chart's pods: its ServiceAccount and
// roles, say. Those that exist are left as they are.
func CreateWithoutPods(ctx context.Context, c client.Client, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		if ofPods.Has(object.GetKind()) {
			continue
		}
		if err := client.IgnoreAlreadyExists(c.Create(ctx, object)); err != nil {
			return fmt.Errorf("creating %s %s of the chart: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}
