package decode_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/registry-cache/registry-cache/functions/api/decode"
)

func TestJoin(t *testing.T) {
	fault := func(path string) *field.Error { return &field.Error{Type: field.ErrorTypeInvalid, Field: path} }
	tests := map[string]struct {
		decoding   string
		validation string
		kept       bool
	}{
		"the same field":        {"caches", "caches", false},
		"a field below":         {"caches[0].volume", "caches[0].volume.size", false},
		"an element below":      {"caches", "caches[0].upstream", false},
		"everything below":      {"", "caches", false},
		"a field above":         {"caches[0].volume.size", "caches[0].volume", true},
		"a field beside":        {"caches[0].upstream", "caches[0].remoteURL", true},
		"a field of like name":  {"caches[0].http", "caches[0].httpProxy", true},
		"an element of like no": {"caches[1]", "caches[10]", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			joined := decode.Join(field.ErrorList{fault(tc.decoding)}, field.ErrorList{fault(tc.validation)})
			if got := len(joined) == 2; got != tc.kept {
				t.Errorf("got %v", joined)
			}
		})
	}
	if joined := decode.Join(nil, field.ErrorList{fault("caches")}); len(joined) != 1 {
		t.Errorf("got %v", joined)
	}
}
