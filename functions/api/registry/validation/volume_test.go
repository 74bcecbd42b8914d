package validation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestVolumeSize(t *testing.T) {
	size := func(text string) func(*v1alpha3.RegistryConfig) {
		return changeCache(func(c *v1alpha3.RegistryCache) { c.Volume.Size = ptr(resource.MustParse(text)) })
	}
	const path, message = cache0 + ".volume.size", "must be greater than 0"
	runConfigCases(t, []configCase{
		{"least", size("1"), nil},
		{"zero", size("0"), []string{invalid(path, "0", message)}},
		{"zero with a unit", size("0Gi"), []string{invalid(path, "0", message)}},
		{"negative", size("-1Gi"), []string{invalid(path, "-1Gi", message)}},
	})
}

func TestStorageClassName(t *testing.T) {
	class := func(name string) func(*v1alpha3.RegistryConfig) {
		return changeCache(func(c *v1alpha3.RegistryCache) { c.Volume.StorageClassName = &name })
	}
	const path = cache0 + ".volume.storageClassName"
	long := strings.Repeat("a", 254)
	runConfigCases(t, []configCase{
		{"longest", class(long[1:]), nil},
		{"too long", class(long), []string{invalid(path, long, "must be no more than 253 characters")}},
		{"empty", class(""), []string{invalid(path, "", notSubdomain)}},
		{"no name", class("Fast SSD"), []string{invalid(path, "Fast SSD", notSubdomain)}},
	})
}
