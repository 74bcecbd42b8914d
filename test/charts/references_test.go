package charts

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
)

// TestReferences: what the objects of a chart say of each other is true.
func TestReferences(t *testing.T) {
	for _, name := range []string{"gardener-extension-registry-cache", "admission/runtime"} {
		eachCase(t, func(t *testing.T, c chartCase) {
			if c.chart != name {
				return
			}
			objects := map[string]runtime.Object{}
			for _, object := range c.render(t) {
				objects[object.GetKind()] = typed(t, object)
			}
			deployment, _ := objects["Deployment"].(*appsv1.Deployment)
			pod := deployment.Spec.Template
			checkSelectors(t, objects, pod)
			checkAccount(t, objects, pod.Spec.ServiceAccountName)
			if vpa, ok := objects["VerticalPodAutoscaler"].(*vpav1.VerticalPodAutoscaler); ok {
				if vpa.Spec.TargetRef.Name != deployment.Name || vpa.Spec.ResourcePolicy.ContainerPolicies[0].ContainerName != pod.Spec.Containers[0].Name {
					t.Errorf("the VerticalPodAutoscaler is for %v", vpa.Spec)
				}
			}
		})
	}
}

// checkSelectors: the Deployment, the Service and the PodDisruptionBudget are for the pods, and the Service for their ports.
func checkSelectors(t *testing.T, objects map[string]runtime.Object, pod corev1.PodTemplateSpec) {
	t.Helper()
	service, _ := objects["Service"].(*corev1.Service)
	budget, _ := objects["PodDisruptionBudget"].(*policyv1.PodDisruptionBudget)
	for kind, selector := range map[string]map[string]string{
		"Service": service.Spec.Selector, "PodDisruptionBudget": budget.Spec.Selector.MatchLabels,
	} {
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(labels.Set(pod.Labels)) {
			t.Errorf("%s selects %v, not pods labelled %v", kind, selector, pod.Labels)
		}
	}
	for _, port := range service.Spec.Ports {
		if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.String() }) {
			t.Errorf("no container has the port %s of the Service", port.TargetPort.String())
		}
	}
}

// checkAccount: the pods' account exists, and its rights are bound to it.
func checkAccount(t *testing.T, objects map[string]runtime.Object, name string) {
	t.Helper()
	account, ok := objects["ServiceAccount"].(*corev1.ServiceAccount)
	if !ok || account.Name != name {
		t.Fatalf("the ServiceAccount %q of the pods does not exist", name)
	}
	want := rbacv1.Subject{Kind: "ServiceAccount", Name: name, Namespace: account.Namespace}
	bound := 0
	for _, object := range objects {
		switch binding := object.(type) {
		case *rbacv1.RoleBinding:
			bound++
			checkBinding(t, objects, binding.RoleRef, binding.Subjects, want)
		case *rbacv1.ClusterRoleBinding:
			bound++
			checkBinding(t, objects, binding.RoleRef, binding.Subjects, want)
		}
	}
	if bound == 0 {
		t.Error("no rights are bound to the account")
	}
}

func checkBinding(t *testing.T, objects map[string]runtime.Object, ref rbacv1.RoleRef, subjects []rbacv1.Subject, want rbacv1.Subject) {
	t.Helper()
	if len(subjects) != 1 || subjects[0] != want {
		t.Errorf("the %s is bound to %v, not to %v", ref.Kind, subjects, want)
	}
	role, ok := objects[ref.Kind].(interface{ GetName() string })
	if !ok || role.GetName() != ref.Name {
		t.Errorf("the %s %q is bound and does not exist", ref.Kind, ref.Name)
	}
}
