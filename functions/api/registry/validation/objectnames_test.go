package validation_test

import (
	"fmt"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

func TestObjectNamesCollide(t *testing.T) {
	collision := func(index int, first, second, name string) string {
		return invalid(fmt.Sprintf("providerConfig.caches[%d].upstream", index), second, fmt.Sprintf(
			"upstreams %q and %q must not be cached together: the objects of both would be named %q", first, second, name))
	}
	tests := []struct {
		name      string
		upstreams []string
		want      []string
	}{
		{"different", []string{"a.b.io", "a.b.io:5000", "ab.io"}, nil},
		{"dot and dash", []string{"a.b.io", "a-b.io"}, []string{collision(1, "a.b.io", "a-b.io", "registry-a-b-io")}},
		{"port and dash", []string{"x.io:5000", "x.io-5000"}, []string{collision(1, "x.io:5000", "x.io-5000", "registry-x-io-5000")}},
		{"with other suffixes", []string{"a.b.io=one", "a-b.io=two"}, []string{collision(1, "a.b.io", "a-b.io", "registry-a-b-io")}},
		{"three", []string{"a.b.io", "c.io", "a-b.io", "a.b-io"}, []string{
			collision(2, "a.b.io", "a-b.io", "registry-a-b-io"), collision(3, "a.b.io", "a.b-io", "registry-a-b-io")}},
		{"the same upstream is a duplicate, not a collision", []string{"a.io", "a.io"}, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			config := &v1alpha3.RegistryConfig{Caches: suffixed(tc.upstreams...)}
			expectFaults(t, validation.ValidateObjectNames(config, providerConfig), tc.want...)
		})
	}
}
