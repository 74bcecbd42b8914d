package validation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

func TestValidUpstreams(t *testing.T) {
	for _, upstream := range []string{
		"docker.io", "localhost", "my-registry.io:5000", "x:1", "x:65535", "10.0.0.1", "10.0.0.1:5000", "a--b.io", "1.2",
		strings.Repeat("a.", 126) + "b",
	} {
		expectFaults(t, validation.ValidateUpstream(field.NewPath("upstream"), upstream))
	}
}

func TestInvalidUpstreams(t *testing.T) {
	port := func(digits string) string {
		return "port '" + digits + "' is not valid, valid port must be in the range [1, 65535]"
	}
	long := strings.Repeat("a.", 127) + "b"
	tests := map[string][]string{
		"":                  {notSubdomain},
		"docker.io.":        {notSubdomain},
		".docker.io":        {notSubdomain},
		"Docker.io":         {notSubdomain},
		"docker_hub.io":     {notSubdomain},
		"https://docker.io": {notSubdomain},
		"docker.io/library": {notSubdomain},
		"docker.io?x=y":     {notSubdomain},
		"docker.io:":        {notSubdomain},
		"docker.io:http":    {notSubdomain},
		"docker.io:-1":      {notSubdomain},
		"docker.io:+1":      {notSubdomain},
		"docker.io:1:2":     {notSubdomain},
		"docker.io:1:0":     {port("0"), notSubdomain},
		"docker.io\n":       {notSubdomain},
		"docker io":         {notSubdomain},
		"münchen.de":        {notSubdomain},
		"[::1]:5000":        {notSubdomain},
		"::1":               {notSubdomain},
		":5000":             {notSubdomain},
		"x:0":               {port("0")},
		"x:0443":            {port("0443")},
		"x:65536":           {port("65536")},
		"x:99999999999999":  {port("99999999999999")},
		"X:0":               {port("0"), notSubdomain},
		long:                {"must be no more than 253 characters"},
	}
	for upstream, messages := range tests {
		t.Run(upstream, func(t *testing.T) {
			want := make([]string, 0, len(messages))
			for _, message := range messages {
				want = append(want, invalid(cache0+".upstream", upstream, message))
			}
			config := valid(func(c *v1alpha3.RegistryConfig) { c.Caches[0].Upstream = upstream })
			expectFaults(t, validation.ValidateRegistryConfig(config, providerConfig), want...)
		})
	}
}
