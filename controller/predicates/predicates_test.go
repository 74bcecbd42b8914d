package predicates

import (
	"testing"
	"time"

	gardencorev1beta1 "github.com/gardener/gardener/pkg/apis/core/v1beta1"
	extensionsv1alpha1 "github.com/gardener/gardener/pkg/apis/extensions/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

func TestRequestLost(t *testing.T) {
	const asked, before, after = "2026-01-02T10:00:05.9Z", "2026-01-02T10:00:04Z", "2026-01-02T10:00:05Z"
	for name, c := range map[string]struct {
		annotations map[string]string
		done        *gardencorev1beta1.LastOperation
		want        bool
	}{
		"asked after it was done":       {map[string]string{"gardener.cloud/timestamp": asked}, operation(t, "Reconcile", "Succeeded", before), true},
		"asked after it was created":    {map[string]string{"gardener.cloud/timestamp": asked}, operation(t, "Create", "Succeeded", before), true},
		"done in the second of the ask": {map[string]string{"gardener.cloud/timestamp": asked}, operation(t, "Reconcile", "Succeeded", after), false},
		"the request is still there": {map[string]string{"gardener.cloud/timestamp": asked, "gardener.cloud/operation": "reconcile"},
			operation(t, "Reconcile", "Succeeded", before), false}, // gardener's predicates see it
		"it waits for the state of another seed": {map[string]string{"gardener.cloud/timestamp": asked, "gardener.cloud/operation": "wait-for-state"},
			operation(t, "Reconcile", "Succeeded", before), false},
		"it was migrated away":         {map[string]string{"gardener.cloud/timestamp": asked}, operation(t, "Migrate", "Succeeded", before), false},
		"it has begun":                 {map[string]string{"gardener.cloud/timestamp": asked}, operation(t, "Reconcile", "Processing", before), false},
		"never done":                   {map[string]string{"gardener.cloud/timestamp": asked}, nil, false},
		"never asked":                  {nil, operation(t, "Reconcile", "Succeeded", before), false},
		"asked at a time that is none": {map[string]string{"gardener.cloud/timestamp": "soon"}, operation(t, "Reconcile", "Succeeded", before), false},
	} {
		t.Run(name, func(t *testing.T) {
			ex := &extensionsv1alpha1.Extension{ObjectMeta: metav1.ObjectMeta{Annotations: c.annotations}}
			ex.Status.LastOperation = c.done
			if got := requestLost().Create(event.CreateEvent{Object: ex}); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if requestLost().Update(event.UpdateEvent{ObjectOld: ex, ObjectNew: ex}) {
				t.Error("it must not react to what the controller itself writes")
			}
		})
	}
}

func operation(t *testing.T, kind gardencorev1beta1.LastOperationType, state gardencorev1beta1.LastOperationState, at string) *gardencorev1beta1.LastOperation {
	t.Helper()
	updated, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	return &gardencorev1beta1.LastOperation{Type: kind, State: state, LastUpdateTime: metav1.NewTime(updated)}
}
