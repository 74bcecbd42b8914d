package admission_test

import (
	"testing"

	"github.com/gardener/gardener/pkg/apis/core"
	corev1 "k8s.io/api/core/v1"
)

// A Shoot is looked at only if it lives and has the extension.
func TestOnlyEnabledExtensionsAreValidated(t *testing.T) {
	const bad = "caches: []"
	required := []string{"spec.extensions[0].providerConfig.caches: Required value: at least one cache must be provided"}
	validateAll(t, cacheValidator, map[string]request{
		"without extensions":           {new: shoot()},
		"with another extension":       {new: shoot(extension("shoot-dns-service", "{}"))},
		"enabled":                      {new: shoot(caches(bad)), want: required},
		"disabled":                     {new: shoot(caches(bad), disabled)},
		"disabled now":                 {old: shoot(caches(bad)), new: shoot(caches("caches: [1]"), disabled)},
		"removed":                      {old: shoot(caches(oneCache)), new: shoot()},
		"enabled again":                {old: shoot(caches(bad), disabled), new: shoot(caches(bad)), want: required},
		"added":                        {old: shoot(), new: shoot(caches(bad)), want: required},
		"being deleted":                {new: shoot(caches(bad), deleted)},
		"being deleted while changing": {old: shoot(caches(oneCache)), new: shoot(caches(bad), deleted)},
		"another one disabled before it": {
			new:  shoot(caches(oneCache), disabled, extension("shoot-dns-service", ""), caches(bad)),
			want: []string{"spec.extensions[2].providerConfig.caches: Required value: at least one cache must be provided"},
		},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors enabled":       {new: shoot(mirrors("mirrors: []")), want: []string{"spec.extensions[0].providerConfig.mirrors: Required value: at least one mirror must be provided"}},
		"mirrors disabled":      {new: shoot(mirrors("mirrors: []"), disabled)},
		"mirrors being deleted": {new: shoot(mirrors("mirrors: []"), deleted)},
	})
}

func TestOnlyShootsAreValidated(t *testing.T) {
	v := cacheValidator(reader())
	if err := v.Validate(t.Context(), &corev1.Secret{}, nil); err == nil || err.Error() != "wrong object type *v1.Secret" {
		t.Errorf("a Secret: %v", err)
	}
	if err := v.Validate(t.Context(), &core.Shoot{}, &core.Seed{}); err == nil || err.Error() != "wrong object type *core.Seed" {
		t.Errorf("an old Seed: %v", err)
	}
}

func TestProviderConfigIsRequired(t *testing.T) {
	none, given := extension("registry-cache", ""), caches(oneCache)
	required := []string{"spec.extensions[0].providerConfig: Required value: providerConfig is required for the registry-cache extension"}
	validateAll(t, cacheValidator, map[string]request{
		"created without":            {new: shoot(none), want: required},
		"created as null":            {new: shoot(extension("registry-cache", "null")), want: required},
		"taken away":                 {old: shoot(given), new: shoot(none), want: required},
		"still without":              {old: shoot(none), new: shoot(none, unrelated)},
		"given after none":           {old: shoot(none), new: shoot(given), want: []string{"spec.extensions[0].providerConfig: Forbidden: providerConfig is not available on old Shoot; remove the extension from the Shoot and add it again"}},
		"given after none, disabled": {old: shoot(none, disabled), new: shoot(given)},
	})
	validateAll(t, mirrorValidator, map[string]request{
		"mirrors without": {new: shoot(extension("registry-mirror", "")), want: []string{"spec.extensions[0].providerConfig: Required value: providerConfig is required for the registry-mirror extension"}},
	})
}
