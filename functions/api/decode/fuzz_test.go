package decode_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
	sigsjson "sigs.k8s.io/json"

	"github.com/registry-cache/registry-cache/functions/api/decode"
)

// FuzzStrict decodes any text into every kind. It must not panic, the final decoding must find nothing that the checks
// missed, and what is accepted must be what sigs.k8s.io/json reads from the same JSON.
func FuzzStrict(f *testing.F) {
	for _, text := range fullTexts {
		f.Add([]byte(text))
	}
	for _, text := range []string{
		"", "null", "a: &a [*a]", "<<: [{kind: a}]", "- 1\n---\n", "? [a]\n: b", "caches: [{volume: {size: 1e999}}]",
		"registryConfig: {a: 1, a: 2}", `{"kind": "\ud83d", "kind": 1e400}`, "kind: !!binary a",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, into := range kinds() {
			faults := decode.Strict(text, into, nil)
			for _, fault := range faults {
				expectOwnFault(t, fault)
			}
			if len(faults) == 0 {
				expectSameAsJSON(t, text, into)
			}
		}
	})
}

// expectOwnFault fails for a fault that another library worded: the checks should have found it first.
func expectOwnFault(t *testing.T, fault *field.Error) {
	t.Helper()
	if !strings.HasPrefix(fault.Detail, "must ") && !strings.HasPrefix(fault.Detail, "unknown field, must ") {
		t.Fatalf("a fault that the checks missed: %v", fault)
	}
}

// expectSameAsJSON fails if the accepted text is JSON and sigs.k8s.io/json makes something else of it, or if the struct
// does not survive a round trip.
func expectSameAsJSON(t *testing.T, text []byte, into any) {
	t.Helper()
	if json.Valid(text) {
		direct := reflect.New(reflect.TypeOf(into).Elem()).Interface()
		if strict, err := sigsjson.UnmarshalStrict(text, direct); err != nil || len(strict) > 0 {
			t.Fatalf("%T accepted %s, which JSON's own decoder refuses: %v %v", into, text, strict, err)
		}
		expectEqualJSON(t, into, direct)
	}
	again := reflect.New(reflect.TypeOf(into).Elem()).Interface()
	if faults := decode.Strict(marshal(t, into), again, nil); len(faults) > 0 {
		t.Fatalf("%T does not accept its own form: %v", into, faults)
	}
	expectEqualJSON(t, into, again)
}

func expectEqualJSON(t *testing.T, one, other any) {
	t.Helper()
	if a, b := marshal(t, one), marshal(t, other); string(a) != string(b) {
		t.Fatalf("%s is not %s", a, b)
	}
}

func marshal(t *testing.T, from any) []byte {
	t.Helper()
	text, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
