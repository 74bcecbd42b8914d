package charts

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// nameless are the verbs that a resource's name cannot restrict.
var nameless = []string{"create", "list", "watch"}

// unnamed are the resources that may be used under any name, with the verbs beyond nameless; "watch" is listed where it
// is allowed although it hands out what is secret. All others must be named.
var unnamed = map[string]map[string][]string{
	"gardener-extension-registry-cache": {
		"clusters":          {"get"},
		"extensions":        {"get", "patch"},
		"extensions/status": {"patch"},
		"namespaces":        {"get"},
		"secrets":           {"get", "update", "patch", "delete"},
		"events":            {"patch"},
	},
	"admission/runtime": {
		"secrets": {"get", "watch", "patch", "delete"},
		"events":  {"patch"},
	},
	"admission/application": {
		"secrets":    {"get"},
		"namespaces": {"get"},
	},
}

// TestSmallestRights: nothing is granted by a wildcard, what has a fixed name is granted under that name only, and Secrets
// are watched in one namespace at most.
func TestSmallestRights(t *testing.T) {
	eachCase(t, func(t *testing.T, c chartCase) {
		for _, object := range c.render(t) {
			var rules []rbacv1.PolicyRule
			switch object := typed(t, object).(type) {
			case *rbacv1.ClusterRole:
				rules = object.Rules
			case *rbacv1.Role:
				rules = object.Rules
			}
			for _, rule := range rules {
				checkRule(t, rule, unnamed[c.chart])
			}
		}
	})
}

func checkRule(t *testing.T, rule rbacv1.PolicyRule, allowed map[string][]string) {
	t.Helper()
	if all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs); strings.Contains(strings.Join(all, " "), "*") {
		t.Errorf("a wildcard in %v", rule)
	}
	if len(rule.ResourceNames) > 0 {
		for _, verb := range rule.Verbs {
			if slices.Contains(nameless, verb) {
				t.Errorf("%q knows no names, so it is not granted by %v", verb, rule)
			}
		}
		return
	}
	for _, resource := range rule.Resources {
		for _, verb := range rule.Verbs {
			secret := resource == "secrets" && verb == "watch"
			if (secret || !slices.Contains(nameless, verb)) && !slices.Contains(allowed[resource], verb) {
				t.Errorf("%s %s must be restricted to names", verb, resource)
			}
		}
	}
}
