package decode_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestNoYAML(t *testing.T) {
	runFaultCases(t, []faultCase{
		{"syntax", "caches: [", []string{
			"Invalid : Invalid value: must be valid YAML: line 1: did not find expected node content"}},
		{"second document", "kind: a\n---\nkind: b\n---\nkind: c\n", []string{
			"Invalid : Invalid value: must be one YAML document, not 3"}},
		{"broken second document", "kind: a\n---\n[", []string{
			"Invalid : Invalid value: must be valid YAML: line 3: did not find expected node content"}},
		{"no UTF-8", "kind: \xff", []string{"Invalid : Invalid value: must be encoded in UTF-8"}},
		{"no UTF-8 in JSON", "{\"kind\": \"\xff\"}", []string{"Invalid : Invalid value: must be encoded in UTF-8"}},
		{"too long", strings.Repeat("#", 2<<20) + "\nkind: a", []string{
			"Invalid : Invalid value: must not be longer than 2097152 bytes"}},
		{"unknown anchor", "kind: *a", []string{"Invalid : Invalid value: must be valid YAML: unknown anchor 'a' referenced"}},
	})
}

func TestEmptyDocumentsBesideDoNotCount(t *testing.T) {
	for _, text := range []string{"---\nkind: a\n", "kind: a\n---\n", "# x\n---\nkind: a\n...\n", "---\n---\nkind: a\n---\n# x\n"} {
		config := &v1alpha3.RegistryConfig{}
		expectFaults(t, decode.Strict([]byte(text), config, nil))
		if config.Kind != "a" {
			t.Errorf("%q: got %q", text, config.Kind)
		}
	}
}

func TestTags(t *testing.T) {
	const tag = "must not have a YAML tag other than !!null, !!bool, !!int, !!float and !!str, and must fit it"
	runFaultCases(t, []faultCase{
		{"string", "kind: !!str 5", nil},
		{"of one's own", "kind: !mine 5", []string{`TypeInvalid kind: Invalid value: "5": ` + tag}},
		{"binary", "kind: !!binary aGk=", []string{`TypeInvalid kind: Invalid value: "aGk=": ` + tag}},
		{"misfit", "kind: !!int hello", []string{`TypeInvalid kind: Invalid value: "hello": ` + tag}},
		{"not a number", "caches: [{volume: {size: .nan}}]", []string{
			`TypeInvalid caches[0].volume.size: Invalid value: ".nan": must be a finite number`}},
		{"infinite", "caches: [{volume: {size: -.inf}}]", []string{
			`TypeInvalid caches[0].volume.size: Invalid value: "-.inf": must be a finite number`}},
	})
}

func TestKeysMustBeNames(t *testing.T) {
	const want = "must have names as keys, not lists or objects"
	runFaultCases(t, []faultCase{
		{"list", "? [a]\n: b\n", []string{"TypeInvalid : Invalid value: " + want}},
		{"object", "caches:\n- ? {a: b}\n  : c\n", []string{"TypeInvalid caches[0]: Invalid value: " + want}},
	})
}

// TestAnchorsAndMergeKeys: kubectl understands both, so a providerConfig may have them.
func TestAnchorsAndMergeKeys(t *testing.T) {
	config := &v1alpha3.RegistryConfig{}
	expectFaults(t, decode.Strict([]byte(`
&k kind: RegistryConfig
apiVersion: *k
caches:
- &first
  &u upstream: docker.io
  volume: &v {size: 20Gi}
- <<: *first
  upstream: quay.io
- *u : ghcr.io
  volume: *v
- <<: [{upstream: a.io}, *first, {highAvailability: {enabled: true}}]
`), config, nil))
	var got []string
	for _, cache := range config.Caches {
		got = append(got, cache.Upstream+" "+cache.Volume.Size.String())
	}
	want := []string{"docker.io 20Gi", "quay.io 20Gi", "ghcr.io 20Gi", "a.io 20Gi"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !config.Caches[3].HighlyAvailable() || config.APIVersion != "kind" {
		t.Errorf("got %+v", config)
	}
}

func TestMergeMustBeOfObjects(t *testing.T) {
	runFaultCases(t, []faultCase{
		{"text", "<<: a", []string{`TypeInvalid <<: Invalid value: "a": must be an object or a list of objects to merge`}},
		{"in a list", "caches: [{<<: [{upstream: a}, 5]}]", []string{
			`TypeInvalid caches[0].<<: Invalid value: 5: must be an object or a list of objects to merge`}},
		{"a quoted << is a field", `{"caches": [{"<<": 5}]}`, []string{
			`Forbidden caches[0].<<: Forbidden: unknown field, must be one of "upstream", "remoteURL", "volume", ` +
				`"garbageCollection", "secretReferenceName", "proxy", "http", "highAvailability", "serviceNameSuffix"`}},
	})
}
