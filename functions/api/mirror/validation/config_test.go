package validation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/mirror/validation"
)

// providerConfig is where a MirrorConfig stands in a Shoot's extension.
var providerConfig = field.NewPath("providerConfig")

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

// valid returns a config that has no fault; change may give it some.
func valid(change func(*v1alpha1.MirrorConfig)) *v1alpha1.MirrorConfig {
	bundle, override := "bundle", true
	config := &v1alpha1.MirrorConfig{Mirrors: []v1alpha1.MirrorConfiguration{
		{Upstream: "docker.io", Hosts: []v1alpha1.MirrorHost{
			{Host: "https://mirror.gcr.io"},
			{
				Host: "http://10.0.0.1:5000/v2/hub.d/", Capabilities: []v1alpha1.MirrorHostCapability{"pull", "resolve"},
				CABundleSecretReferenceName: &bundle, OverridePath: &override,
			},
		}},
		{Upstream: "my-registry.io:5000", Hosts: []v1alpha1.MirrorHost{{Host: "https://mirror.gcr.io/"}}},
	}}
	if change != nil {
		change(config)
	}
	return config
}

func TestValidConfig(t *testing.T) {
	config := valid(nil)
	expectFaults(t, validation.ValidateMirrorConfig(config, providerConfig))
	config.Default()
	expectFaults(t, validation.ValidateMirrorConfig(config, nil))
}

func TestInvalidConfig(t *testing.T) {
	const (
		mirror0 = "providerConfig.mirrors[0]"
		mirror1 = "providerConfig.mirrors[1]"
		host0   = mirror0 + ".hosts[0]"
	)
	tests := []struct {
		name   string
		change func(*v1alpha1.MirrorConfig)
		want   []string
	}{
		{"no mirrors", func(c *v1alpha1.MirrorConfig) { c.Mirrors = nil }, []string{
			"Required providerConfig.mirrors: Required value: at least one mirror must be provided"}},
		{"no hosts", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts = nil }, []string{
			"Required " + mirror0 + ".hosts: Required value: at least one host must be provided"}},
		{"duplicate upstream", func(c *v1alpha1.MirrorConfig) { c.Mirrors[1].Upstream = "docker.io" }, []string{
			`Duplicate ` + mirror1 + `.upstream: Duplicate value: "docker.io"`}},
		{"duplicate host", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts[1] = c.Mirrors[0].Hosts[0] }, []string{
			`Duplicate ` + mirror0 + `.hosts[1].host: Duplicate value: "https://mirror.gcr.io"`}},
		{"invalid upstream", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Upstream = "docker.io:0" }, []string{
			`Invalid ` + mirror0 + `.upstream: Invalid value: "docker.io:0": port '0' is not valid, valid port must be in the range [1, 65535]`}},
		{"invalid host", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts[0].Host = "mirror.gcr.io" }, []string{
			`Invalid ` + host0 + `.host: Invalid value: "mirror.gcr.io": url must start with 'http://' or 'https://' scheme`}},
		{"path out of the path", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts[0].Host = "https://a.io/x/%2E%2e/y" }, []string{
			`Invalid ` + host0 + `.host: Invalid value: "https://a.io/x/%2E%2e/y": url path must not contain '..'`}},
		{"unsupported capability", setCapabilities("pull", "push"), []string{
			`NotSupported ` + host0 + `.capabilities[1]: Unsupported value: "push": supported values: "pull", "resolve"`}},
		{"duplicate capability", setCapabilities("pull", "resolve", "pull"), []string{
			`Duplicate ` + host0 + `.capabilities[2]: Duplicate value: "pull"`}},
		{"empty reference", func(c *v1alpha1.MirrorConfig) { *c.Mirrors[0].Hosts[1].CABundleSecretReferenceName = "" }, []string{
			`Invalid ` + mirror0 + `.hosts[1].caBundleSecretReferenceName: Invalid value: "": ` +
				`must not be empty; leave it out if the node's own certificate authorities will do`}},
		{"several at once", func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts, c.Mirrors[1].Upstream = nil, "docker.io" }, []string{
			"Required " + mirror0 + ".hosts: Required value: at least one host must be provided",
			`Duplicate ` + mirror1 + `.upstream: Duplicate value: "docker.io"`}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			config := valid(tc.change)
			expectFaults(t, validation.ValidateMirrorConfig(config, providerConfig), tc.want...)
			config.Default()
			expectFaults(t, validation.ValidateMirrorConfig(config, providerConfig), tc.want...)
		})
	}
}

func setCapabilities(given ...v1alpha1.MirrorHostCapability) func(*v1alpha1.MirrorConfig) {
	return func(c *v1alpha1.MirrorConfig) { c.Mirrors[0].Hosts[0].Capabilities = given }
}

func TestUpstreamWithACache(t *testing.T) {
	expectFaults(t, validation.ValidateMirrorUpstreams(valid(nil), []string{"quay.io", "my-registry.io"}, providerConfig))
	expectFaults(t, validation.ValidateMirrorUpstreams(valid(nil), []string{"quay.io", "my-registry.io:5000", "docker.io"}, providerConfig),
		`Invalid providerConfig.mirrors[0].upstream: Invalid value: "docker.io": upstream host 'docker.io' is also configured as a registry cache upstream`,
		`Invalid providerConfig.mirrors[1].upstream: Invalid value: "my-registry.io:5000": upstream host 'my-registry.io:5000' is also configured as a registry cache upstream`)
}
