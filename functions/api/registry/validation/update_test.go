package validation_test

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// updateCase is a change of the valid config's first cache and the faults that going from before to after must have.
type updateCase struct {
	name          string
	before, after func(*v1alpha3.RegistryCache)
	want          []string
}

// runUpdateCases runs the cases for caches with this program.
func runUpdateCases(t *testing.T, program fnv1alpha1.Registry, cases []updateCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before, after := valid(changeCache(tc.before)), valid(changeCache(tc.after))
			before.Default(true)
			after.Default(true)
			expectFaults(t, validation.ValidateRegistryConfigUpdate(after, before, program, providerConfig), tc.want...)
		})
	}
}

// forEachProgram runs cases in which the program makes no difference.
func forEachProgram(t *testing.T, cases []updateCase) {
	t.Helper()
	for _, program := range fnv1alpha1.Registries() {
		t.Run(string(program), func(t *testing.T) { runUpdateCases(t, program, cases) })
	}
}

func TestSizeIsImmutable(t *testing.T) {
	size := func(text string) func(*v1alpha3.RegistryCache) {
		return func(c *v1alpha3.RegistryCache) { c.Volume.Size = ptr(resource.MustParse(text)) }
	}
	absent := func(c *v1alpha3.RegistryCache) { c.Volume = nil }
	const path, message = cache0 + ".volume.size", "field is immutable"
	forEachProgram(t, []updateCase{
		{"same", size("20Gi"), size("20Gi"), nil},
		{"same amount", size("20Gi"), size("20480Mi"), nil},
		{"same amount without a unit", size("1Gi"), size("1073741824"), nil},
		{"larger", size("20Gi"), size("30Gi"), []string{invalid(path, "30Gi", message)}},
		{"smaller", size("20Gi"), size("10Gi"), []string{invalid(path, "10Gi", message)}},
		{"decimal", size("20Gi"), size("20G"), []string{invalid(path, "20G", message)}},
		{"default left out", func(c *v1alpha3.RegistryCache) {
			c.Volume = &v1alpha3.Volume{Size: ptr(resource.MustParse("10Gi"))}
		}, absent, nil},
	})
}

func TestStorageClassNameIsImmutable(t *testing.T) {
	class := func(name *string) func(*v1alpha3.RegistryCache) {
		return func(c *v1alpha3.RegistryCache) { c.Volume.StorageClassName = name }
	}
	const path, message = cache0 + ".volume.storageClassName", "field is immutable"
	forEachProgram(t, []updateCase{
		{"same", class(ptr("a")), class(ptr("a")), nil},
		{"both absent", class(nil), class(nil), nil},
		{"changed", class(ptr("a")), class(ptr("b")), []string{invalid(path, "b", message)}},
		{"added", class(nil), class(ptr("b")), []string{invalid(path, "b", message)}},
		{"removed", class(ptr("a")), class(nil), []string{"Invalid " + path + ": Invalid value: null: " + message}},
	})
}

// TestGarbageCollectionEnabledLater: only distribution forgets what it cached before.
func TestGarbageCollectionEnabledLater(t *testing.T) {
	ttl := func(duration time.Duration) func(*v1alpha3.RegistryCache) {
		return func(c *v1alpha3.RegistryCache) { c.GarbageCollection.TTL = &metav1.Duration{Duration: duration} }
	}
	empty := func(c *v1alpha3.RegistryCache) { c.GarbageCollection = &v1alpha3.GarbageCollection{} }
	absent := func(c *v1alpha3.RegistryCache) { c.GarbageCollection = nil }
	const path = cache0 + ".garbageCollection.ttl"
	const message = "garbage collection cannot be enabled (ttl > 0) once it is disabled (ttl = 0)"
	forEachProgram(t, []updateCase{
		{"longer", ttl(time.Hour), ttl(2 * time.Hour), nil},
		{"disabled", ttl(time.Hour), ttl(0), nil},
		{"stays disabled", ttl(0), empty, nil},
	})
	runUpdateCases(t, fnv1alpha1.RegistryCache, []updateCase{
		{"enabled", ttl(0), ttl(time.Hour), nil},
		{"enabled by default", ttl(0), absent, nil},
		{"enabled after an empty one", empty, ttl(time.Hour), nil},
	})
	runUpdateCases(t, fnv1alpha1.RegistryDistribution, []updateCase{
		{"enabled", ttl(0), ttl(time.Hour), []string{invalid(path, "1h0m0s", message)}},
		{"enabled by default", ttl(0), absent, []string{invalid(path, "168h0m0s", message)}},
		{"enabled after an empty one", empty, ttl(time.Hour), []string{invalid(path, "1h0m0s", message)}},
	})
}

// TestOtherFieldsAreMutable: everything else may change at any time.
func TestOtherFieldsAreMutable(t *testing.T) {
	forEachProgram(t, []updateCase{{"all", func(*v1alpha3.RegistryCache) {}, func(c *v1alpha3.RegistryCache) {
		*c = v1alpha3.RegistryCache{Upstream: c.Upstream, Volume: c.Volume, RemoteURL: ptr("http://x.io")}
	}, nil}})
}

// TestCachesAreMatchedByUpstream: the order does not matter, and a renamed upstream is another cache.
func TestCachesAreMatchedByUpstream(t *testing.T) {
	before := valid()
	after := valid(changeCache(func(c *v1alpha3.RegistryCache) { c.Volume.Size = ptr(resource.MustParse("1Gi")) }))
	after.Caches[0], after.Caches[1] = after.Caches[1], after.Caches[0]
	expectFaults(t, validation.ValidateRegistryConfigUpdate(after, before, fnv1alpha1.RegistryCache, providerConfig),
		invalid(cache1+".volume.size", "1Gi", "field is immutable"))

	after.Caches[1].Upstream = "renamed.io"
	expectFaults(t, validation.ValidateRegistryConfigUpdate(after, before, fnv1alpha1.RegistryCache, providerConfig))
	expectFaults(t, validation.ValidateRegistryConfigUpdate(&v1alpha3.RegistryConfig{}, before, fnv1alpha1.RegistryCache, providerConfig))
}
