package validation_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestTTL(t *testing.T) {
	ttl := func(duration time.Duration) func(*v1alpha3.RegistryConfig) {
		return changeCache(func(c *v1alpha3.RegistryCache) { c.GarbageCollection.TTL = &metav1.Duration{Duration: duration} })
	}
	const path, message = cache0 + ".garbageCollection.ttl", "ttl must be a non-negative duration"
	runConfigCases(t, []configCase{
		{"off", ttl(0), nil},
		{"absent", changeCache(func(c *v1alpha3.RegistryCache) { c.GarbageCollection.TTL = nil }), nil},
		{"negative", ttl(-time.Hour), []string{invalid(path, "-1h0m0s", message)}},
		{"hardly negative", ttl(-1), []string{invalid(path, "-1ns", message)}},
	})
}
