package decode_test

import (
	"testing"

	"github.com/registry-cache/registry-cache/functions/api/decode"
)

// TestSameJSON is about texts as users write them, faulty ones among them.
func TestSameJSON(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		same bool
	}{
		"the same":               {`{"a": 1}`, `{"a": 1}`, true},
		"space":                  {`{"a":1}`, `{ "a": 1 }`, true},
		"another order":          {`{"a":1,"b":{"c":2,"d":3}}`, `{"b":{"d":3,"c":2},"a":1}`, true},
		"another value":          {`{"a":1}`, `{"a":2}`, false},
		"another order of items": {`[1,2]`, `[2,1]`, false},
		"a null in a list":       {`{"caches":[null]}`, `{"caches": [null]}`, true},
		"a null in one list":     {`{"caches":[null]}`, `{"caches":[{}]}`, false},
		"null and nothing":       {`null`, `{}`, false},
		"no JSON":                {`x`, `x `, false},
		"no JSON, the same":      {`x`, `x`, true},
		"half of it JSON":        {`{}`, `{`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, back := decode.SameJSON([]byte(c.a), []byte(c.b)), decode.SameJSON([]byte(c.b), []byte(c.a)); got != c.same || back != c.same {
				t.Errorf("got %v, and %v the other way round, want %v", got, back, c.same)
			}
		})
	}
}
