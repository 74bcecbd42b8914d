package decode_test

import (
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	mirror "github.com/registry-cache/registry-cache/functions/api/mirror/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestWrongTypes(t *testing.T) {
	runFaultCases(t, []faultCase{
		{"list for the whole", "- a", []string{`TypeInvalid : Invalid value: "list": must be an object`}},
		{"text for the whole", "hello", []string{`TypeInvalid : Invalid value: "hello": must be an object`}},
		{"number for the whole", "5", []string{`TypeInvalid : Invalid value: 5: must be an object`}},
		{"object for a list", "caches: {upstream: a}", []string{`TypeInvalid caches: Invalid value: "object": must be a list`}},
		{"text for a list", "caches: docker.io", []string{`TypeInvalid caches: Invalid value: "docker.io": must be a list`}},
		{"text for an object", "caches: [docker.io]", []string{
			`TypeInvalid caches[0]: Invalid value: "docker.io": must be an object`}},
		{"list for an object", "caches: [{volume: [a]}]", []string{
			`TypeInvalid caches[0].volume: Invalid value: "list": must be an object`}},
		{"number for a string", "caches: [{upstream: 5000}]", []string{
			`TypeInvalid caches[0].upstream: Invalid value: 5000: must be a string, written in quotes`}},
		{"fraction for a string", "caches: [{upstream: 1.5}]", []string{
			`TypeInvalid caches[0].upstream: Invalid value: 1.5: must be a string, written in quotes`}},
		{"boolean for a string", "caches: [{serviceNameSuffix: true}]", []string{
			`TypeInvalid caches[0].serviceNameSuffix: Invalid value: true: must be a string, written in quotes`}},
		{"list for a string", "caches: [{upstream: [a]}]", []string{
			`TypeInvalid caches[0].upstream: Invalid value: "list": must be a string`}},
		{"text for a boolean", "caches: [{http: {tls: 'true'}}]", []string{
			`TypeInvalid caches[0].http.tls: Invalid value: "true": must be true or false`}},
		{"YAML 1.1's boolean", "caches: [{http: {tls: yes}}]", []string{
			`TypeInvalid caches[0].http.tls: Invalid value: "yes": must be true or false`}},
		{"number for a boolean", "caches: [{highAvailability: {enabled: 1}}]", []string{
			`TypeInvalid caches[0].highAvailability.enabled: Invalid value: 1: must be true or false`}},
		{"several at once", "kind: 1\ncaches:\n- upstream: 2\n- proxy: 3\n", []string{
			`TypeInvalid kind: Invalid value: 1: must be a string, written in quotes`,
			`TypeInvalid caches[0].upstream: Invalid value: 2: must be a string, written in quotes`,
			`TypeInvalid caches[1].proxy: Invalid value: 3: must be an object`}},
		{"several at once in JSON", `{"kind": 1, "caches": [{"upstream": 2.5}, {"proxy": "x"}, true, [], {}]}`, []string{
			`TypeInvalid kind: Invalid value: 1: must be a string, written in quotes`,
			`TypeInvalid caches[0].upstream: Invalid value: 2.5: must be a string, written in quotes`,
			`TypeInvalid caches[1].proxy: Invalid value: "x": must be an object`,
			`TypeInvalid caches[2]: Invalid value: true: must be an object`,
			`TypeInvalid caches[3]: Invalid value: "list": must be an object`}},
	})
}

func TestWrongTypesOfNamedStrings(t *testing.T) {
	faults := decode.Strict([]byte("mirrors: [{hosts: [{capabilities: [pull, 1]}]}]"), &mirror.MirrorConfig{}, nil)
	expectFaults(t, faults,
		`TypeInvalid mirrors[0].hosts[0].capabilities[1]: Invalid value: 1: must be a string, written in quotes`)

	faults = decode.Strict([]byte("platform: {}"), &functions.RegistryCaches{}, nil)
	expectFaults(t, faults, `TypeInvalid platform: Invalid value: "object": must be a string`)
}

// TestYAML11Words: a plain no, on or y is text, as YAML 1.2 has it, and so is a date.
func TestYAML11Words(t *testing.T) {
	for _, word := range []string{"no", "on", "y", "2026-07-01", "12:30:45", "0.0.0"} {
		config := &v1alpha3.RegistryConfig{}
		expectFaults(t, decode.Strict([]byte("kind: "+word), config, nil))
		if config.Kind != word {
			t.Errorf("got %q, want %q", config.Kind, word)
		}
	}
}

func TestLongValuesAreCut(t *testing.T) {
	faults := decode.Strict([]byte("caches: "+strings.Repeat("x", 5000)), &v1alpha3.RegistryConfig{}, nil)
	expectFaults(t, faults, `TypeInvalid caches: Invalid value: "`+strings.Repeat("x", 100)+`...": must be a list`)
}

// TestTheRestIsDecoded: what is not faulty reaches the caller, so that it can be validated too.
func TestTheRestIsDecoded(t *testing.T) {
	config := &v1alpha3.RegistryConfig{}
	text := "foo: 1\ncaches:\n- 5\n- upstream: docker.io\n  volume: {size: x, storageClassName: fast}\n"
	if faults := decode.Strict([]byte(text), config, nil); len(faults) != 3 {
		t.Errorf("got %v, want three faults", faults)
	}
	if len(config.Caches) != 2 || config.Caches[1].Upstream != "docker.io" || *config.Caches[1].Volume.StorageClassName != "fast" {
		t.Errorf("got %+v", config)
	}
}
