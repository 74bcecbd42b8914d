package validation_test

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
	"github.com/registry-cache/registry-cache/functions/api/registry/validation"
)

func TestWarnings(t *testing.T) {
	const (
		tlsOff = `caches[0].http {}: TLS is off because http is given without tls; leave http out for the default or set tls`
		kept   = `caches[0].garbageCollection {}: content is kept for ever because garbageCollection is given but empty; ` +
			`leave it out for the default of 168h, or fill it in`
	)
	same := func(index int, first, second string) string {
		return fmt.Sprintf("caches[%d].upstream %s: upstreams %q and %q are the same registry, Docker Hub, but get a cache each; "+
			"keep one of them", index, second, first, second)
	}
	http := func(tls *bool) []v1alpha3.RegistryCache {
		return []v1alpha3.RegistryCache{{Upstream: "docker.io", HTTP: &v1alpha3.HTTP{TLS: tls}}}
	}
	collection := func(ttl *metav1.Duration) []v1alpha3.RegistryCache {
		return []v1alpha3.RegistryCache{{Upstream: "docker.io", GarbageCollection: &v1alpha3.GarbageCollection{TTL: ttl}}}
	}
	tests := []struct {
		name   string
		caches []v1alpha3.RegistryCache
		want   []string
	}{
		{"nothing given", suffixed("docker.io"), nil},
		{"http empty", http(nil), []string{tlsOff}},
		{"TLS switched off", http(ptr(false)), nil},
		{"garbage collection empty", collection(nil), []string{kept}},
		{"garbage collection switched off", collection(&metav1.Duration{}), nil},
		{"alias after", suffixed("docker.io", "index.docker.io"), []string{same(1, "docker.io", "index.docker.io")}},
		{"alias before", suffixed("registry-1.docker.io", "docker.io"), []string{same(1, "registry-1.docker.io", "docker.io")}},
		{"two aliases", suffixed("index.docker.io", "quay.io", "registry-1.docker.io"), []string{
			same(2, "index.docker.io", "registry-1.docker.io")}},
		{"all three", suffixed("docker.io", "index.docker.io", "registry-1.docker.io"), []string{
			same(1, "docker.io", "index.docker.io"), same(2, "docker.io", "registry-1.docker.io")}},
		{"an alias alone", suffixed("index.docker.io", "quay.io"), nil},
		{"a duplicate is a fault already", suffixed("docker.io", "docker.io"), nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, warning := range validation.WarnRegistryConfig(&v1alpha3.RegistryConfig{Caches: tc.caches}, nil) {
				got = append(got, fmt.Sprintf("%s %v: %s", warning.Field, warning.Value, warning.Message))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWarningsNameTheSurroundings(t *testing.T) {
	config := &v1alpha3.RegistryConfig{Caches: []v1alpha3.RegistryCache{{Upstream: "a.io", HTTP: &v1alpha3.HTTP{}}}}
	if got := validation.WarnRegistryConfig(config, providerConfig)[0].Field; got != cache0+".http" {
		t.Errorf("got %s", got)
	}
}
