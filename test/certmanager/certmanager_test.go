package certmanager

import (
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/manifest"
)

// TestValidatorRefuses: what is wrong is found, else the tests that use the validator prove nothing.
func TestValidatorRefuses(t *testing.T) {
	v, err := NewValidator(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(spec map[string]any) manifest.Object {
		return manifest.Object{"apiVersion": Group + "/v1", "kind": "Certificate", "metadata": map[string]any{"name": "one"}, "spec": spec}
	}
	ref := map[string]any{"name": "ca"}
	for want, object := range map[string]manifest.Object{
		"":                         certificate(map[string]any{"secretName": "one", "issuerRef": ref}),
		"spec.issuerRef":           certificate(map[string]any{"secretName": "one"}),
		"spec.dnsNames":            certificate(map[string]any{"secretName": "one", "issuerRef": ref, "dnsNames": "one"}),
		"spec.usages":              certificate(map[string]any{"secretName": "one", "issuerRef": ref, "usages": []any{"tls"}}),
		"the field spec.ipAddress": certificate(map[string]any{"secretName": "one", "issuerRef": ref, "ipAddress": "10.96.0.50"}),
		"has no kind Certificates": {"apiVersion": Group + "/v1", "kind": "Certificates"},
	} {
		got := ""
		if err := v.Validate(object); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("want %q, got %q", want, got)
		}
	}
}
