package registry

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestDecodeConfigRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		path *field.Path
		want string
	}{
		"no YAML":         {text: "a: [b", want: "must be valid YAML"},
		"nothing":         {text: "", want: "must be an object"},
		"a list, wrapped": {text: "[1]", path: field.NewPath("registryConfig"), want: "registryConfig: "},
		"no kind":         {text: "apiVersion: registry.extensions.gardener.cloud/v1alpha3", want: `kind: Unsupported value: ""`},
		"another kind":    {text: `{"kind":"Shoot"}`, want: `kind: Unsupported value: "Shoot": supported values: "RegistryConfig"`},
		"another version, wrapped": {
			text: "apiVersion: registry.extensions.gardener.cloud/v2\nkind: RegistryConfig", path: field.NewPath("registryConfig"),
			want: `registryConfig.apiVersion: Unsupported value: "registry.extensions.gardener.cloud/v2"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, errs := DecodeConfig([]byte(test.text), test.path)
			if config != nil || len(errs) != 1 || !strings.Contains(errs[0].Error(), test.want) {
				t.Errorf("got %v and %v, want no config and %q", config, errs, test.want)
			}
		})
	}
}

func TestDecodeConfigConvertsAndRemembersTheVersion(t *testing.T) {
	for _, version := range APIVersions() {
		config, errs := DecodeConfig([]byte("apiVersion: "+version+"\nkind: RegistryConfig\ncaches:\n- upstream: docker.io\n"), nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if config.APIVersion != version || config.Caches[0].Upstream != "docker.io" {
			t.Errorf("got %+v from %s", config, version)
		}
	}
}

func TestUserPath(t *testing.T) {
	for _, test := range []struct{ version, path, want string }{
		{"v1alpha1", "caches[0].volume.size", "caches[0].size"},
		{"v1alpha1", "caches[0].garbageCollection.ttl", "caches[0].garbageCollection.enabled"},
		{"v1alpha2", "registryConfig.caches[1].garbageCollection.ttl", "registryConfig.caches[1].garbageCollection.enabled"},
		{"v1alpha2", "caches[0].volume.size", "caches[0].volume.size"},
		{"v1alpha3", "caches[0].garbageCollection.ttl", "caches[0].garbageCollection.ttl"},
	} {
		if got := UserPath("registry.extensions.gardener.cloud/"+test.version, test.path); got != test.want {
			t.Errorf("UserPath(%s, %s) = %s, want %s", test.version, test.path, got, test.want)
		}
	}
}
