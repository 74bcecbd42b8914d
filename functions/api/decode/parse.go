package decode

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// maxBytes is more than an object in etcd may have.
	maxBytes = 2 << 20
	// maxDepth is far deeper than any of our kinds; it also ends an alias that contains itself.
	maxDepth = 100
	// maxValues bounds what aliases expand to. The YAML library refuses "billion laughs" only when it decodes into Go
	// values (by the ratio of aliased to written nodes); we let it build nodes, where aliases are pointers, and count here.
	maxValues = 100_000
)

// parse reads the text into a tree. It returns no tree if the text is no YAML or JSON at all, or too large.
func parse(text []byte, path *field.Path) (*value, field.ErrorList) {
	switch {
	case len(text) > maxBytes:
		return nil, refuseText(path, fmt.Sprintf("must not be longer than %d bytes", maxBytes))
	case !utf8.Valid(text):
		return nil, refuseText(path, "must be encoded in UTF-8")
	case json.Valid(text):
		// Not every JSON text is YAML to the library: long keys and surrogate pairs are not.
		return parseJSON(text, path)
	default:
		return parseYAML(text, path)
	}
}

// refuseText returns the fault of a whole text, without quoting the text.
func refuseText(path *field.Path, detail string) field.ErrorList {
	return field.ErrorList{field.Invalid(path, field.OmitValueType{}, detail)}
}

// budget bounds the tree that a text becomes.
type budget struct {
	values int
	// refusal says which bound was exceeded.
	refusal string
}

// enter accounts for one value at the depth and says whether it may be read.
func (b *budget) enter(depth int) bool {
	b.values++
	switch {
	case depth > maxDepth:
		b.refusal = fmt.Sprintf("must not be nested deeper than %d levels", maxDepth)
	case b.values > maxValues:
		b.refusal = fmt.Sprintf("must not have more than %d values", maxValues)
	}
	return b.refusal == ""
}
