package golden

import (
	"context"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	"sigs.k8s.io/yaml"

	"github.com/registry-cache/registry-cache/functions/manifest"
	"github.com/registry-cache/registry-cache/test/certmanager"
)

// typeOf returns a new value of the type of k8s.io/api for a manifest, nil if we render no such kind.
func typeOf(apiVersion, kind string) any {
	switch apiVersion + " " + kind {
	case "v1 Namespace":
		return &corev1.Namespace{}
	case "v1 ConfigMap":
		return &corev1.ConfigMap{}
	case "v1 Secret":
		return &corev1.Secret{}
	case "v1 Service":
		return &corev1.Service{}
	case "apps/v1 StatefulSet":
		return &appsv1.StatefulSet{}
	case "apps/v1 DaemonSet":
		return &appsv1.DaemonSet{}
	case "networking.k8s.io/v1 NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	case "policy/v1 PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	case "autoscaling.k8s.io/v1 VerticalPodAutoscaler":
		return &vpav1.VerticalPodAutoscaler{}
	case "cert-manager.io/v1 Certificate", "cert-manager.io/v1 Issuer":
		return &certManagerObject{}
	}
	return nil
}

// certManagerObject is decoded strictly by cert-manager's definitions, for its Go types would bring all that it needs along.
type certManagerObject struct{}

var certManager = sync.OnceValues(func() (*certmanager.Validator, error) {
	return certmanager.NewValidator(context.Background())
})

// UnmarshalJSON implements json.Unmarshaler.
func (*certManagerObject) UnmarshalJSON(text []byte) error {
	validator, err := certManager()
	if err != nil {
		return err
	}
	object := manifest.Object{}
	if err := utiljson.Unmarshal(text, (*map[string]any)(&object)); err != nil {
		return err
	}
	return validator.Validate(object)
}

// TestManifestsAreValid: every rendered manifest decodes strictly into its type, and its name is one that the API server
// takes.
func TestManifestsAreValid(t *testing.T) {
	for _, c := range Cases(t) {
		if c.Refused() {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			for _, node := range generated(parse(t, read(t, c.Dir, "expected.yaml"))) {
				into := typeOf(node.GetApiVersion(), node.GetKind())
				if into == nil {
					t.Fatalf("no type is known for %s %s", node.GetApiVersion(), node.GetKind())
				}
				if err := yaml.UnmarshalStrict([]byte(node.MustString()), into); err != nil {
					t.Errorf("%s %s: %v", node.GetKind(), node.GetName(), err)
				}
				if problems := validation.IsDNS1123Subdomain(node.GetName()); len(problems) > 0 {
					t.Errorf("%s %s: %v", node.GetKind(), node.GetName(), problems)
				}
			}
		})
	}
}
