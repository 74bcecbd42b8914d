package decode

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// SameJSON says whether two texts have the same bytes, or are JSON that differs at most in space and in the order of fields, both
// of which the API server changes. Texts come from users: json-patch's Equal, which does the same, panics at two lists with a null.
func SameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
