package charts

import (
	"slices"
	"testing"

	"github.com/gardener/gardener/extensions/pkg/webhook"
	"github.com/gardener/gardener/pkg/extensions"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// The names that the two programs give themselves when they add their webhooks to gardener's manager. gardener derives from
// them how the Service must be called, and how it calls the webhook configuration.
const (
	extensionName = "registry-cache"
	admissionName = "registry-cache-admission"
)

// TestNamesThatGardenerDerives: the charts call things as gardener's library will look for them.
func TestNamesThatGardenerDerives(t *testing.T) {
	names := map[string]string{
		"gardener-extension-registry-cache": webhook.PrefixedName(extensionName, false),
		"admission/runtime":                 webhook.PrefixedName(admissionName, false),
		"admission/application":             webhook.PrefixedName(admissionName, false),
	}
	eachCase(t, func(t *testing.T, c chartCase) {
		for _, object := range c.render(t) {
			switch object := typed(t, object).(type) {
			case *corev1.Service:
				if object.Name != names[c.chart] {
					t.Errorf("the Service must be called %q, not %q", names[c.chart], object.Name)
				}
			case *rbacv1.ClusterRole:
				if !mayChange(object.Rules, names[c.chart], "mutatingwebhookconfigurations", "validatingwebhookconfigurations") {
					t.Errorf("the webhook configuration %q must be writable", names[c.chart])
				}
			case *rbacv1.Role:
				if c.chart == "gardener-extension-registry-cache" && !mayChange(object.Rules, extensions.HeartBeatResourceName, "leases") {
					t.Errorf("the Lease %q must be writable", extensions.HeartBeatResourceName)
				}
			}
		}
	})
}

// mayChange says whether a rule allows to patch one of the resources under a name.
func mayChange(rules []rbacv1.PolicyRule, name string, resources ...string) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.ResourceNames, name) && slices.Contains(rule.Verbs, "patch") &&
			slices.ContainsFunc(rule.Resources, func(resource string) bool { return slices.Contains(resources, resource) })
	})
}

// TestTakeOver: what a running landscape cannot change, or would be left with twice, is called as it is there. A Deployment's
// selector is immutable; two leaders with different Leases would both lead.
func TestTakeOver(t *testing.T) {
	leases := map[string]string{
		"gardener-extension-registry-cache": "--leader-election-id=extension-registry-cache-leader-election",
		"admission/runtime":                 "--leader-election-id=gardener-extension-registry-cache-admission",
	}
	deployments := map[string]string{
		"gardener-extension-registry-cache": "gardener-extension-registry-cache",
		"admission/runtime":                 "gardener-extension-registry-cache-admission",
	}
	eachCase(t, func(t *testing.T, c chartCase) {
		for _, object := range c.render(t) {
			deployment, ok := typed(t, object).(*appsv1.Deployment)
			if !ok {
				continue
			}
			labels := deployment.Spec.Selector.MatchLabels
			if deployment.Name != deployments[c.chart] || len(labels) != 2 ||
				labels["app.kubernetes.io/name"] != deployment.Name || labels["app.kubernetes.io/instance"] != Release {
				t.Errorf("Deployment %q selects %v", deployment.Name, labels)
			}
			if !slices.Contains(deployment.Spec.Template.Spec.Containers[0].Args, leases[c.chart]) {
				t.Errorf("the arguments must have %s", leases[c.chart])
			}
		}
	})
}
