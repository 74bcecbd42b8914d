package names_test

import (
	"strings"
	"testing"

	utilvalidation "k8s.io/apimachinery/pkg/util/validation"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
	"github.com/registry-cache/registry-cache/functions/names"
)

// FuzzObjectNames caches two upstreams together, the first perhaps with a suffix for its Service. If validation accepts
// that, all names must be valid, within their lengths, and different. The second upstream is also made from the first, by
// the replacements that names undergo, for chance would hardly find a pair that collides.
func FuzzObjectNames(f *testing.F) {
	long := "my-very-long-registry.long-subdomain.io:8443"
	for _, seed := range [][3]string{
		{"docker.io", "quay.io", ""}, {"a.b.io", "a-b.io", "x"}, {"x.io:5000", "x.io-5000", "x-io-5000"},
		{long, strings.ToUpper(long), "hub"}, {strings.Repeat("a.", 126) + "b", "10.0.0.1:1", strings.Repeat("a", 54)},
		{"quay.io", "docker.io", "docker-io"}, {"a", "a", "a"}, {"", ":", "-"}, {long, names.Object(long)[9:], ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, one, other, suffix string) {
		dashed := strings.ReplaceAll(one, ":", "-")
		for _, second := range []string{other, dashed, strings.ReplaceAll(dashed, ".", "-"), names.UpstreamLabel(one)} {
			checkTogether(t, one, second, suffix)
		}
	})
}

func checkTogether(t *testing.T, one, other, suffix string) {
	t.Helper()
	config := &v1alpha3.RegistryConfig{Caches: []v1alpha3.RegistryCache{{Upstream: one}, {Upstream: other}}}
	if suffix != "" {
		config.Caches[0].ServiceNameSuffix = &suffix
	}
	if len(validation.ValidateRegistryConfig(config, nil)) > 0 || len(validation.ValidateObjectNames(config, nil)) > 0 {
		return
	}
	used := map[string]bool{}
	for _, cache := range config.Caches {
		object, service := names.Object(cache.Upstream), names.Service(cache.Upstream, cache.ServiceNameSuffix)
		if used["object "+object] || used["service "+service] {
			t.Errorf("%q and %q with suffix %q share the name %s or %s", one, other, suffix, object, service)
		}
		used["object "+object], used["service "+service] = true, true
		checkName(t, object, 52, utilvalidation.IsDNS1123Label)
		checkName(t, service, 63, utilvalidation.IsDNS1035Label)
		checkName(t, names.UpstreamLabel(cache.Upstream), 43, utilvalidation.IsValidLabelValue)
	}
}

func checkName(t *testing.T, name string, longest int, faults func(string) []string) {
	t.Helper()
	if messages := faults(name); len(messages) > 0 || len(name) > longest {
		t.Errorf("%q of %d characters is no valid name: %v", name, len(name), messages)
	}
}
