package decode_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestUnknownFields(t *testing.T) {
	const top = `Forbidden: unknown field, must be one of "kind", "apiVersion", "caches"`
	runFaultCases(t, []faultCase{
		{"at the top", "metadata: {name: x}", []string{"Forbidden metadata: " + top}},
		{"nested", "caches: [{http: {TLS: true}}]", []string{
			`Forbidden caches[0].http.TLS: Forbidden: unknown field, must be one of "tls"`}},
		{"other case", "Caches: []", []string{"Forbidden Caches: " + top}},
		{"Go's name", "caches: [{proxy: {HTTPProxy: x}}]", []string{
			`Forbidden caches[0].proxy.HTTPProxy: Forbidden: unknown field, must be one of "httpProxy", "httpsProxy"`}},
		{"embedded struct's name", "TypeMeta: {}", []string{"Forbidden TypeMeta: " + top}},
		{"null", "foo: null", []string{"Forbidden foo: " + top}},
		{"names that are no strings", "1: a\ntrue: b\nnull: c\n", []string{
			"Forbidden 1: " + top, "Forbidden true: " + top, "Forbidden null: " + top}},
		{"several at once", "foo: 1\ncaches:\n- bar: 2\n  volume: {}\n- volume: {baz: 3}\n", []string{
			"Forbidden foo: " + top,
			`Forbidden caches[0].bar: Forbidden: unknown field, must be one of "upstream", "remoteURL", "volume", ` +
				`"garbageCollection", "secretReferenceName", "proxy", "http", "highAvailability", "serviceNameSuffix"`,
			`Forbidden caches[1].volume.baz: Forbidden: unknown field, must be one of "size", "storageClassName"`}},
		{"the same in JSON", `{"caches": [{"http": {"TLS": true}}]}`, []string{
			`Forbidden caches[0].http.TLS: Forbidden: unknown field, must be one of "tls"`}},
	})
}

func TestUnknownFieldsDoNotShowTheirValue(t *testing.T) {
	faults := decode.Strict([]byte("caches: [{password: hunter2, credentials: {password: hunter2}}]"), &v1alpha3.RegistryConfig{}, nil)
	if len(faults) != 2 || strings.Contains(faults.ToAggregate().Error(), "hunter2") {
		t.Errorf("got %v", faults)
	}
}

func TestLongNamesAreCut(t *testing.T) {
	faults := decode.Strict([]byte(`{"`+strings.Repeat("ä", 5000)+`": 1}`), &v1alpha3.RegistryConfig{}, nil)
	if len(faults) != 1 || faults[0].Field != strings.Repeat("ä", 100)+"..." {
		t.Errorf("got %v", faults)
	}
}

func TestPathOfTheSurroundings(t *testing.T) {
	path := field.NewPath("registryConfig")
	faults := decode.Strict([]byte("caches: [{volume: {size: many}}]"), &v1alpha3.RegistryConfig{}, path)
	expectFaults(t, faults,
		`TypeInvalid registryConfig.caches[0].volume.size: Invalid value: "many": must be a quantity such as 10Gi`)

	faults = decode.Strict(nil, &v1alpha3.RegistryConfig{}, path)
	expectFaults(t, faults, `TypeInvalid registryConfig: Invalid value: null: must be an object`)
}
