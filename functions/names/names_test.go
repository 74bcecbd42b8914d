package names_test

import (
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/names"
)

// TestObjectNames pins label and object name per upstream: running landscapes have StatefulSets and volumes of these
// names (COMPAT 1.5).
func TestObjectNames(t *testing.T) {
	a43 := strings.Repeat("a", 43)
	tests := []struct{ upstream, label, object string }{
		{"docker.io", "docker.io", "registry-docker-io"},
		{"localhost", "localhost", "registry-localhost"},
		{"10.0.0.1:5000", "10.0.0.1-5000", "registry-10-0-0-1-5000"},
		{"europe-docker.pkg.dev", "europe-docker.pkg.dev", "registry-europe-docker-pkg-dev"},
		{"my-registry.io:5000", "my-registry.io-5000", "registry-my-registry-io-5000"},
		{"a--b.io", "a--b.io", "registry-a--b-io"},
		// 43 bytes, the longest that stay whole, with and without a port
		{a43, a43, "registry-" + a43},
		{a43[:38] + ":5000", a43[:38] + "-5000", "registry-" + a43[:38] + "-5000"},
		// 44 bytes, the shortest that are cut
		{a43 + "a", a43[:37] + "-16849", "registry-" + a43[:37] + "-16849"},
		{a43[:39] + ":5000", a43[:37] + "-a31a7", "registry-" + a43[:37] + "-a31a7"},
		// longer ones; a dash before the cut makes two
		{"my-very-long-registry.very-long-subdomain.io", "my-very-long-registry.very-long-subdo-2fae3",
			"registry-my-very-long-registry-very-long-subdo-2fae3"},
		{"my-very-long-registry.long-subdomain.io:8443", "my-very-long-registry.long-subdomain.-8cb9e",
			"registry-my-very-long-registry-long-subdomain--8cb9e"},
	}
	for _, tc := range tests {
		t.Run(tc.upstream, func(t *testing.T) {
			if got := names.UpstreamLabel(tc.upstream); got != tc.label {
				t.Errorf("label is %s, want %s", got, tc.label)
			}
			if got := names.Object(tc.upstream); got != tc.object {
				t.Errorf("object is %s, want %s", got, tc.object)
			}
		})
	}
}

// TestSharedObjectNames pins pairs that share a name in running landscapes too; validation refuses them together.
func TestSharedObjectNames(t *testing.T) {
	for one, other := range map[string]string{"a.b.io": "a-b.io", "x.io:5000": "x.io-5000"} {
		if names.Object(one) != names.Object(other) {
			t.Errorf("%s and %s have different names", one, other)
		}
	}
}

func TestServiceNames(t *testing.T) {
	hub, empty := "hub", ""
	for _, tc := range []struct {
		upstream string
		suffix   *string
		want     string
	}{
		{"docker.io", nil, "registry-docker-io"},
		{"docker.io", &hub, "registry-hub"},
		{"docker.io", &empty, "registry-"}, // validation refuses it
		{"my-very-long-registry.very-long-subdomain.io", nil, "registry-my-very-long-registry-very-long-subdo-2fae3"},
	} {
		if got := names.Service(tc.upstream, tc.suffix); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.upstream, got, tc.want)
		}
	}
}

func TestRemoteURLs(t *testing.T) {
	for upstream, want := range map[string]string{
		"docker.io":            "https://registry-1.docker.io",
		"registry-1.docker.io": "https://registry-1.docker.io",
		"index.docker.io":      "https://index.docker.io",
		"quay.io":              "https://quay.io",
		"my-registry.io:5000":  "https://my-registry.io:5000",
	} {
		if got := names.RemoteURL(upstream); got != want {
			t.Errorf("%s: got %s, want %s", upstream, got, want)
		}
	}
}
