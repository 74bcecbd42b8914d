package decode_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestDuplicateFields(t *testing.T) {
	const once = "must be given only once"
	runFaultCases(t, []faultCase{
		{"YAML", "kind: a\nkind: b\n", []string{`Duplicate kind: Duplicate value: "kind": ` + once}},
		{"JSON", `{"kind": "a", "kind": "b"}`, []string{`Duplicate kind: Duplicate value: "kind": ` + once}},
		{"escaped in JSON", `{"kind": "a", "kin\u0064": "b"}`, []string{`Duplicate kind: Duplicate value: "kind": ` + once}},
		{"quoted in YAML", `{kind: "a", "kind": b}`, []string{`Duplicate kind: Duplicate value: "kind": ` + once}},
		{"thrice", "kind: a\nkind: b\nkind: c\n", []string{
			`Duplicate kind: Duplicate value: "kind": ` + once, `Duplicate kind: Duplicate value: "kind": ` + once}},
		{"nested, several", "caches:\n- upstream: a\n  upstream: b\n- http: {tls: true, tls: true}\n", []string{
			`Duplicate caches[0].upstream: Duplicate value: "upstream": ` + once,
			`Duplicate caches[1].http.tls: Duplicate value: "tls": ` + once}},
		{"differing in case", "kind: a\nKind: b\n", []string{
			`Forbidden Kind: Forbidden: unknown field, must be one of "kind", "apiVersion", "caches"`}},
	})
}

func TestTheFirstOfDuplicatesIsKept(t *testing.T) {
	for _, text := range []string{"kind: first\nkind: second\n", `{"kind": "first", "kind": "second"}`} {
		config := &v1alpha3.RegistryConfig{}
		if faults := decode.Strict([]byte(text), config, nil); len(faults) != 1 || config.Kind != "first" {
			t.Errorf("%s: got %q and %v", text, config.Kind, faults)
		}
	}
}

// TestDuplicatesInARawExtension: they would be lost in its JSON, so they are reported while they can be seen.
func TestDuplicatesInARawExtension(t *testing.T) {
	caches := &functions.RegistryCaches{}
	faults := decode.Strict([]byte("registryConfig: {caches: [{upstream: a, upstream: b}]}"), caches, nil)
	expectFaults(t, faults,
		`Duplicate registryConfig.caches[0].upstream: Duplicate value: "upstream": must be given only once`)
	if got := string(caches.RegistryConfig.Raw); got != `{"caches":[{"upstream":"a"}]}` {
		t.Errorf("got %s", got)
	}
}
