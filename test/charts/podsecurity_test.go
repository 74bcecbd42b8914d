package charts

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// TestRestrictedPodSecurity: all pods may run in a namespace that enforces the level "restricted", as the registration asks
// for, and their containers' root file systems are read-only besides.
func TestRestrictedPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	eachCase(t, func(t *testing.T, c chartCase) {
		for _, object := range c.render(t) {
			deployment, ok := typed(t, object).(*appsv1.Deployment)
			if !ok {
				continue
			}
			pod := deployment.Spec.Template
			for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s (%s)", deployment.Name, result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			for _, container := range pod.Spec.Containers {
				if read := container.SecurityContext.ReadOnlyRootFilesystem; read == nil || !*read {
					t.Errorf("%s: the root file system must be read-only", container.Name)
				}
			}
		}
	})
}
