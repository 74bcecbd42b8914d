package decode_test

import (
	"strings"
	"testing"
	"time"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	functions "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

// billionLaughs expands to 10^9 values.
func billionLaughs() string {
	var text strings.Builder
	text.WriteString("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := 1; i < 9; i++ {
		now, before := string(rune('0'+i)), string(rune('0'+i-1))
		text.WriteString("a" + now + ": &a" + now + " [" + strings.Repeat("*a"+before+", ", 10) + "]\n")
	}
	return text.String()
}

// TestHazards: hostile texts are refused within a second each, whatever they would expand to.
func TestHazards(t *testing.T) {
	const size = 1 << 20
	hazards := map[string]string{
		"billion laughs":            billionLaughs(),
		"alias in itself":           "a: &a [*a, *a, *a, *a]",
		"merge of itself":           "a: &a {<<: [*a, *a]}",
		"many merges":               "a: {" + strings.Repeat("? k\n, ", 100) + "<<: [" + strings.Repeat("{b: c},", size/8) + "]}",
		"deep YAML lists":           strings.Repeat("[", size),
		"deep YAML objects":         strings.Repeat("{a: ", size/4),
		"deep block lists":          strings.Repeat("- ", size/2),
		"deep explicit keys":        strings.Repeat("? ", size/2),
		"deep JSON":                 strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		"deep JSON lists":           strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"deeper JSON than Go's":     strings.Repeat("[", 20000) + strings.Repeat("]", 20000),
		"many unknown fields":       strings.Repeat("a: 1\n", size/5),
		"long text":                 strings.Repeat("x", 4*size),
		"long key":                  strings.Repeat("x", size) + ": 1",
		"many documents":            strings.Repeat("---\na\n", size/6),
		"many empty documents":      strings.Repeat("---\n", size/4),
		"many comments":             strings.Repeat("#\n", size/2),
		"many anchors":              strings.Repeat("- &a a\n", size/7),
		"open quote":                `a: "` + strings.Repeat("x\n", size/2),
		"many tags":                 strings.Repeat("- !a b\n", size/7),
		"directive":                 "%YAML 1.1\n%TAG ! tag:" + strings.Repeat("x", size) + "\n---\na",
		"zero bytes":                strings.Repeat("\x00", size),
		"tabs":                      strings.Repeat("\t", size) + "a: b",
		"wide JSON":                 "[" + strings.Repeat("1,", size/2) + "1]",
		"question marks":            strings.Repeat("?\n", size/2),
		"colons":                    strings.Repeat(":\n", size/2),
		"long number":               "caches: [{volume: {size: " + strings.Repeat("9", size) + "}}]",
		"long number in JSON":       `{"caches": [{"volume": {"size": ` + strings.Repeat("9", size) + "}}]}",
		"long fraction in a string": `{"caches": [{"volume": {"size": "0.` + strings.Repeat("9", size) + `"}}]}`,
	}
	for name, text := range hazards {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			faults := decode.Strict([]byte(text), &v1alpha3.RegistryConfig{}, nil)
			// Not a measurement: what these texts are for takes minutes or for ever, also on a machine that does other things.
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %s", took)
			}
			if len(faults) == 0 {
				t.Error("was accepted")
			}
			t.Logf("%s, %d faults, the first %.200s", time.Since(start), len(faults), show(faults[0]))
		})
	}
}

// TestBillionLaughsInARawExtension: what is left to another decoding is bounded all the same.
func TestBillionLaughsInARawExtension(t *testing.T) {
	text := "registryConfig:\n  " + strings.ReplaceAll(billionLaughs(), "\n", "\n  ")
	faults := decode.Strict([]byte(text), &functions.RegistryCaches{}, nil)
	expectFaults(t, faults, "Invalid : Invalid value: must not have more than 100000 values")
}
