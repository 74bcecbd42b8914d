package decode_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/registry-cache/registry-cache/functions/api/decode"
	"github.com/registry-cache/registry-cache/functions/api/registry/v1alpha3"
)

func TestQuantities(t *testing.T) {
	for text, want := range map[string]string{
		"10Gi": "10Gi", "'10Gi'": "10Gi", "' 10Gi '": "10Gi", "5": "5", "1e9": "1e9", "1.5Gi": "1536Mi", "0x10": "16",
		"1_000": "1k", "-1": "-1", "0": "0", "2.5": "2500m", "1E": "1E",
	} {
		config := &v1alpha3.RegistryConfig{}
		expectFaults(t, decode.Strict([]byte("caches: [{volume: {size: "+text+"}}]"), config, nil))
		if got := config.Caches[0].Volume.Size; got == nil || got.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("%s: got %v, want %s", text, got, want)
		}
	}
}

func TestNoQuantities(t *testing.T) {
	for text, shown := range map[string]string{
		"10GB":        `"10GB"`,
		"10 Gi":       `"10 Gi"`,
		"''":          `""`,
		"' '":         `" "`,
		`"\t10Gi"`:    `"\t10Gi"`,
		"lots":        `"lots"`,
		"true":        "true",
		"{}":          `"object"`,
		"[]":          `"list"`,
		longQuantity:  `"` + longQuantity + `"`,
		"'1E+999'":    `"1E+999"`,
		"1e999999999": `"1e999999999"`,
	} {
		faults := decode.Strict([]byte("caches: [{volume: {size: "+text+"}}]"), &v1alpha3.RegistryConfig{}, nil)
		expectFaults(t, faults,
			"TypeInvalid caches[0].volume.size: Invalid value: "+shown+": must be a quantity such as 10Gi")
	}
}

// longQuantity is one that apimachinery would parse, of more characters than any reasonable one.
var longQuantity = strings.Repeat("1", 63) + "Gi"

// TestQuantityWithAHugeExponent: apimachinery parses these at once, and computes for hours when they are compared.
func TestQuantityWithAHugeExponent(t *testing.T) {
	for text, shown := range map[string]string{
		`1e999999999`: `"1e999999999"`, `"1e999999999"`: `"1e999999999"`, `0e999999999`: "0", `1e-999999999`: "0",
	} {
		faults := decode.Strict([]byte(`{"caches": [{"volume": {"size": `+text+`}}]}`), &v1alpha3.RegistryConfig{}, nil)
		expectFaults(t, faults,
			"TypeInvalid caches[0].volume.size: Invalid value: "+shown+": must be a quantity such as 10Gi")
	}
}
