package validation_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

// urlFaults has URLs that are invalid as a registry's, and the messages.
var urlFaults = map[string][]string{
	"":                       {"url must start with 'http://' or 'https://' scheme"},
	"registry-1.docker.io":   {"url must start with 'http://' or 'https://' scheme"},
	"ftp://docker.io":        {"url must start with 'http://' or 'https://' scheme"},
	"//docker.io":            {"url must start with 'http://' or 'https://' scheme"},
	"docker.io:443":          {"url must start with 'http://' or 'https://' scheme"},
	"https://":               {notSubdomain},
	"https:docker.io":        {notSubdomain},
	"https:///x":             {notSubdomain, "url must not contain a path"},
	"https://docker.io.":     {notSubdomain},
	"https://Docker.io":      {notSubdomain},
	"https://docker.io:":     {notSubdomain},
	"https://[::1]:5000":     {notSubdomain},
	"https://:5000":          {notSubdomain},
	"https://x.io:0":         {"port '0' is not valid, valid port must be in the range [1, 65535]"},
	"https://x.io:0443":      {"port '0443' is not valid, valid port must be in the range [1, 65535]"},
	"https://x.io:65536":     {"port '65536' is not valid, valid port must be in the range [1, 65535]"},
	"https://x.io/v2":        {"url must not contain a path"},
	"https://x.io//":         {"url must not contain a path"},
	"https://user@x.io":      {"url must not contain user info"},
	"https://x.io?a=b":       {"url must not contain query parameters"},
	"https://x.io?":          {"url must not contain query parameters"},
	"https://x.io#a":         {"url must not contain a fragment"},
	"https://x.io#":          {"url must not contain a fragment"},
	"https://u@X.io:0/p?q#f": {"port '0' is not valid, valid port must be in the range [1, 65535]", notSubdomain, "url must not contain a path", "url must not contain user info", "url must not contain query parameters", "url must not contain a fragment"},
	"https://x.io:http":      {`failed to parse url: parse "https://x.io:http": invalid port ":http" after host`},
	"https://x y.io":         {`failed to parse url: parse "https://x y.io": invalid character " " in host name`},
	"https://x.io/%zz":       {`failed to parse url: parse "https://x.io/%zz": invalid URL escape "%zz"`},
}

// TestURLFields: one rule for every field that holds a URL.
func TestURLFields(t *testing.T) {
	fields := map[string]func(*v1alpha3.RegistryCache, string){
		".remoteURL":        func(c *v1alpha3.RegistryCache, url string) { c.RemoteURL = &url },
		".proxy.httpProxy":  func(c *v1alpha3.RegistryCache, url string) { c.Proxy.HTTPProxy = &url },
		".proxy.httpsProxy": func(c *v1alpha3.RegistryCache, url string) { c.Proxy.HTTPSProxy = &url },
	}
	for name, set := range fields {
		for url, messages := range urlFaults {
			t.Run(name+" "+url, func(t *testing.T) {
				want := make([]string, 0, len(messages))
				for _, message := range messages {
					want = append(want, invalid(cache0+name, masked(url), message))
				}
				config := valid(func(c *v1alpha3.RegistryConfig) { set(&c.Caches[0], url) })
				expectFaults(t, validation.ValidateRegistryConfig(config, providerConfig), want...)
			})
		}
	}
}

func TestValidURLs(t *testing.T) {
	for _, url := range []string{
		"https://x.io", "http://x.io", "https://x.io/", "https://x.io:8443", "http://10.0.0.1:5000", "https://x", "http://x:1/",
	} {
		expectFaults(t, validation.ValidateURL(field.NewPath("url"), url, false))
		expectFaults(t, validation.ValidateURL(field.NewPath("url"), url, true))
	}
}

// TestRemoteURLOfAnotherHost: the remote URL need not be the upstream's own, it may be a mirror of it.
func TestRemoteURLOfAnotherHost(t *testing.T) {
	config := valid(func(c *v1alpha3.RegistryConfig) {
		c.Caches[1].Upstream, c.Caches[1].RemoteURL = "quay.io", ptr("https://mirror-host.io:8443")
	})
	expectFaults(t, validation.ValidateRegistryConfig(config, providerConfig))
}

func TestURLWithAPath(t *testing.T) {
	const encode = "url must have its special characters percent-encoded"
	tests := map[string][]string{
		"https://x.io/v2":               nil,
		"https://x.io/v2/hub.d/..a/b..": nil,
		"https://x.io/v2/...":           nil,
		"https://x.io/a%20b/%2F":        nil,
		"https://x.io/~a:b@c!$&'()*+;=": nil,
		"https://x.io/..":               {"url path must not contain '..'"},
		"https://x.io/a/../b":           {"url path must not contain '..'"},
		"https://x.io/%2e%2E/b":         {"url path must not contain '..'"},
		"https://x.io/a%2f..%2Fb":       {"url path must not contain '..'"},
		"https://x.io/./a":              {"url path must not contain '.'"},
		"https://x.io/a/%2e":            {"url path must not contain '.'"},
		"https://x.io/./..":             {"url path must not contain '..'", "url path must not contain '.'"},
		`https://x.io/a"b`:              {encode},
		`https://x.io/a\b`:              {encode},
		"https://x.io/a b":              {encode},
		"https://x.io/ä":                {encode},
		"https://x.io/a?b":              {"url must not contain query parameters"},
		"https://X.io/a":                {notSubdomain},
	}
	for url, messages := range tests {
		t.Run(url, func(t *testing.T) {
			faults := validation.ValidateURL(field.NewPath("host"), url, true)
			if len(faults) != len(messages) {
				t.Fatalf("got %v, want %v", faults, messages)
			}
			for i, message := range messages {
				if faults[i].Detail != message || faults[i].BadValue != url || faults[i].Field != "host" {
					t.Errorf("got %v, want %s", faults[i], message)
				}
			}
		})
	}
}

// masked is how a URL of urlFaults is shown.
func masked(url string) string {
	if _, rest, ok := strings.Cut(url, "@"); ok {
		return "https://xxxxx@" + rest
	}
	return url
}

func TestUserInfoInAURLIsNotShown(t *testing.T) {
	for _, url := range []string{
		"https://user:hunter2@proxy.local", "https://hunter2@proxy.local", "ftp://user:hunter2@proxy.local",
		"http://user:hunter2@pro xy", "user:hunter2@proxy.local:8080", "http://a@b:hunter2@proxy.local",
	} {
		faults := validation.ValidateURL(field.NewPath("url"), url, false)
		if len(faults) == 0 {
			t.Errorf("%s must be refused", url)
			continue
		}
		if strings.Contains(faults.ToAggregate().Error(), "hunter2") {
			t.Errorf("shows the password: %v", faults)
		}
	}
}
