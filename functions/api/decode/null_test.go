package decode_test

import (
	"reflect"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// TestNullIsAbsent: a field that is null is as if it were left out, whatever its type.
func TestNullIsAbsent(t *testing.T) {
	for _, text := range []string{"caches:", "caches: null", "caches: ~", `{"caches": null, "kind": null}`} {
		config := &v1alpha3.RegistryConfig{}
		expectFaults(t, decode.Strict([]byte(text), config, nil))
		if !reflect.DeepEqual(config, &v1alpha3.RegistryConfig{}) {
			t.Errorf("%s: got %+v", text, config)
		}
	}

	config := &v1alpha3.RegistryConfig{}
	text := "caches: [{upstream: ~, volume: {size: ~}, garbageCollection: {ttl: ~}, http: ~, proxy: ~, highAvailability: {enabled: ~}}]"
	expectFaults(t, decode.Strict([]byte(text), config, nil))
	want := v1alpha3.RegistryCache{
		Volume: &v1alpha3.Volume{}, GarbageCollection: &v1alpha3.GarbageCollection{},
		HighAvailability: &v1alpha3.HighAvailability{},
	}
	if !reflect.DeepEqual(config.Caches, []v1alpha3.RegistryCache{want}) {
		t.Errorf("got %+v", config)
	}
}

// TestNullInAList is a fault, for it would become an empty element.
func TestNullInAList(t *testing.T) {
	runFaultCases(t, []faultCase{
		{"YAML", "caches:\n-\n- upstream: a\n", []string{`TypeInvalid caches[0]: Invalid value: null: must be an object`}},
		{"JSON", `{"caches": [null]}`, []string{`TypeInvalid caches[0]: Invalid value: null: must be an object`}},
	})
	faults := decode.Strict([]byte("upstreams: [a, null]"), &functions.RegistryCleaner{}, nil)
	expectFaults(t, faults, `TypeInvalid upstreams[1]: Invalid value: null: must be a string`)
}

func TestNothing(t *testing.T) {
	const want = `TypeInvalid : Invalid value: null: must be an object`
	runFaultCases(t, []faultCase{
		{"empty", "", []string{want}},
		{"blank", " \n\n", []string{want}},
		{"comment", "# nothing here\n", []string{want}},
		{"separators", "---\n---\n", []string{want}},
		{"YAML's null", "~", []string{want}},
		{"JSON's null", "null", []string{want}},
	})
}
