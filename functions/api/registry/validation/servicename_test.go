package validation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestServiceNameSuffix(t *testing.T) {
	suffix := func(suffix string) func(*v1alpha3.RegistryConfig) {
		return changeCache(func(c *v1alpha3.RegistryCache) { c.ServiceNameSuffix = &suffix })
	}
	const path = cache0 + ".serviceNameSuffix"
	const tooLong = "TooLong " + path + ": Too long: may not be more than 54 bytes"
	long := strings.Repeat("a", 64)
	runConfigCases(t, []configCase{
		{"longest", suffix(long[:54]), nil},
		{"too long", suffix(long[:55]), []string{tooLong}},
		{"longer than a label", suffix(long), []string{
			invalid(path, long, "must be no more than 63 characters"), tooLong}},
		{"empty", suffix(""), []string{invalid(path, "", notLabel)}},
		{"with a dot", suffix("a.b"), []string{invalid(path, "a.b", "must not contain dots")}},
		{"upper case", suffix("Hub"), []string{invalid(path, "Hub", notLabel)}},
		{"dash at the end", suffix("hub-"), []string{invalid(path, "hub-", notLabel)}},
	})
}

func TestServiceNamesCollide(t *testing.T) {
	suffixes := func(caches ...string) func(*v1alpha3.RegistryConfig) {
		return func(c *v1alpha3.RegistryConfig) { c.Caches = suffixed(caches...) }
	}
	const collision = `cannot collide with "docker.io" upstream`
	cases := []configCase{
		{"different", suffixes("docker.io=a", "quay.io=b", "ghcr.io"), nil},
		{"duplicate", suffixes("docker.io=a", "quay.io=a"), []string{
			`Duplicate ` + cache1 + `.serviceNameSuffix: Duplicate value: "a"`}},
		{"derived name before", suffixes("docker.io", "quay.io=docker-io"), []string{
			invalid(cache1+".serviceNameSuffix", "docker-io", collision)}},
		{"derived name after", suffixes("quay.io=docker-io", "docker.io"), []string{
			invalid(cache0+".serviceNameSuffix", "docker-io", collision)}},
		{"the name is not derived if there is a suffix", suffixes("docker.io=hub", "quay.io=docker-io"), nil},
		{"its own derived name", suffixes("docker.io=docker-io"), nil},
		{"both", suffixes("docker.io", "quay.io=docker-io", "ghcr.io=docker-io"), []string{
			invalid(cache1+".serviceNameSuffix", "docker-io", collision),
			`Duplicate providerConfig.caches[2].serviceNameSuffix: Duplicate value: "docker-io"`,
			invalid("providerConfig.caches[2].serviceNameSuffix", "docker-io", collision)}},
	}
	runConfigCases(t, cases)
}

// suffixed returns caches from "<upstream>" or "<upstream>=<suffix>".
func suffixed(texts ...string) []v1alpha3.RegistryCache {
	var caches []v1alpha3.RegistryCache
	for text := range slices.Values(texts) {
		upstream, suffix, given := strings.Cut(text, "=")
		cache := v1alpha3.RegistryCache{Upstream: upstream}
		if given {
			cache.ServiceNameSuffix = &suffix
		}
		caches = append(caches, cache)
	}
	return caches
}
