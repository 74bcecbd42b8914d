package validation_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestSecretReferenceName(t *testing.T) {
	runConfigCases(t, []configCase{
		{"absent", changeCache(func(c *v1alpha3.RegistryCache) { c.SecretReferenceName = nil }), nil},
		{"empty", changeCache(func(c *v1alpha3.RegistryCache) { c.SecretReferenceName = ptr("") }), []string{
			invalid(cache0+".secretReferenceName", "", "must not be empty; leave it out if the upstream needs no credentials")}},
	})
}
