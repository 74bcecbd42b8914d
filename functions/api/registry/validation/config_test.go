package validation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// providerConfig is where a RegistryConfig stands in a Shoot's extension.
var providerConfig = field.NewPath("providerConfig")

const (
	cache0 = "providerConfig.caches[0]"
	cache1 = "providerConfig.caches[1]"
)

// Messages of k8s.io/apimachinery.
const (
	notSubdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
		"end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
		`'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
	notLabel = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
		"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)

func expectFaults(t *testing.T, faults field.ErrorList, want ...string) {
	t.Helper()
	var got []string
	for _, fault := range faults {
		got = append(got, fmt.Sprintf("%s %s", strings.TrimPrefix(string(fault.Type), "FieldValue"), fault.Error()))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got faults\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// invalid renders a fault of type Invalid as expectFaults does.
func invalid(path, value, message string) string {
	return fmt.Sprintf("Invalid %s: Invalid value: %q: %s", path, value, message)
}

func ptr[T any](value T) *T { return &value }

// valid returns a config with every field and no fault; each change may give it some.
func valid(changes ...func(*v1alpha3.RegistryConfig)) *v1alpha3.RegistryConfig {
	config := &v1alpha3.RegistryConfig{Caches: []v1alpha3.RegistryCache{
		{
			Upstream:            "docker.io",
			RemoteURL:           ptr("https://registry-1.docker.io"),
			Volume:              &v1alpha3.Volume{Size: ptr(resource.MustParse("20Gi")), StorageClassName: ptr("fast.ssd")},
			GarbageCollection:   &v1alpha3.GarbageCollection{TTL: &metav1.Duration{Duration: time.Hour}},
			SecretReferenceName: ptr("credentials"),
			Proxy:               &v1alpha3.Proxy{HTTPProxy: ptr("http://10.0.0.1:3128"), HTTPSProxy: ptr("https://proxy.local")},
			HTTP:                &v1alpha3.HTTP{TLS: ptr(true)},
			HighAvailability:    &v1alpha3.HighAvailability{Enabled: true},
			ServiceNameSuffix:   ptr("hub"),
		},
		{Upstream: "my-registry.io:5000"},
	}}
	for _, change := range changes {
		change(config)
	}
	return config
}

// changeCache returns a change of the first cache.
func changeCache(change func(*v1alpha3.RegistryCache)) func(*v1alpha3.RegistryConfig) {
	return func(config *v1alpha3.RegistryConfig) { change(&config.Caches[0]) }
}

// configCase is a change of the valid config and the faults it must cause.
type configCase struct {
	name   string
	change func(*v1alpha3.RegistryConfig)
	want   []string
}

// runConfigCases validates each config after its defaults are filled in, and before.
func runConfigCases(t *testing.T, cases []configCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			config := valid(tc.change)
			expectFaults(t, validation.ValidateRegistryConfig(config, providerConfig), tc.want...)
			config.Default(true)
			expectFaults(t, validation.ValidateRegistryConfig(config, providerConfig), tc.want...)
		})
	}
}

func TestValidConfig(t *testing.T) {
	expectFaults(t, validation.ValidateRegistryConfig(valid(), providerConfig))
	expectFaults(t, validation.ValidateObjectNames(valid(), providerConfig))
}

func TestListOfCaches(t *testing.T) {
	runConfigCases(t, []configCase{
		{"none", func(c *v1alpha3.RegistryConfig) { c.Caches = nil }, []string{
			"Required providerConfig.caches: Required value: at least one cache must be provided"}},
		{"duplicate upstream", func(c *v1alpha3.RegistryConfig) { c.Caches[1].Upstream = "docker.io" }, []string{
			`Duplicate ` + cache1 + `.upstream: Duplicate value: "docker.io"`}},
		{"all faults at once", func(c *v1alpha3.RegistryConfig) {
			c.Caches[0].RemoteURL, c.Caches[0].ServiceNameSuffix = ptr("x"), ptr("A")
			c.Caches[1].Upstream = "X"
		}, []string{
			invalid(cache0+".remoteURL", "x", "url must start with 'http://' or 'https://' scheme"),
			invalid(cache0+".serviceNameSuffix", "A", notLabel),
			invalid(cache1+".upstream", "X", notSubdomain)}},
	})
}

func TestConfigOfItsOwn(t *testing.T) {
	expectFaults(t, validation.ValidateRegistryConfig(&v1alpha3.RegistryConfig{}, nil),
		"Required caches: Required value: at least one cache must be provided")
}
