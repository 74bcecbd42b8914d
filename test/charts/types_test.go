package charts

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/json"
)

// TestTypes: every object that is rendered has only fields that its Kubernetes type knows, each of the right type.
func TestTypes(t *testing.T) {
	eachCase(t, func(t *testing.T, c chartCase) {
		for _, object := range c.render(t) {
			typed(t, object)
		}
	})
}

// typed decodes an object strictly into its Kubernetes type.
func typed(t *testing.T, object *unstructured.Unstructured) runtime.Object {
	t.Helper()
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, vpav1.AddToScheme} {
		if err := add(types); err != nil {
			t.Fatal(err)
		}
	}
	into, err := types.New(object.GroupVersionKind())
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	// As API servers decode: unlike sigs.k8s.io/yaml it tells maxsurge from maxSurge.
	if unknown, err := json.UnmarshalStrict(text, into); err != nil || len(unknown) > 0 {
		t.Fatalf("%s %s: %v %v", object.GetKind(), object.GetName(), err, unknown)
	}
	return into
}
