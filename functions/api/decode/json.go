package decode

import (
	"bytes"
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// parseJSON reads a text that json.Valid accepts.
func parseJSON(text []byte, path *field.Path) (*value, field.ErrorList) {
	r := &jsonReader{decoder: json.NewDecoder(bytes.NewReader(text))}
	r.decoder.UseNumber()
	root := r.read(0)
	if r.refusal != "" {
		return nil, refuseText(path, r.refusal)
	}
	return root, nil
}

type jsonReader struct {
	budget
	decoder *json.Decoder
}

// read reads the value that starts at the next token.
func (r *jsonReader) read(depth int) *value {
	if !r.enter(depth) {
		return &value{}
	}
	switch token := r.next().(type) {
	case json.Delim:
		return r.readInside(token, depth)
	case bool:
		return &value{kind: kindBool, text: map[bool]string{false: "false", true: "true"}[token]}
	case json.Number:
		return &value{kind: kindNumber, text: token.String()}
	case string:
		return &value{kind: kindText, text: token}
	default:
		return &value{}
	}
}

// readInside reads the elements of a list or an object up to its closing token.
func (r *jsonReader) readInside(opening json.Delim, depth int) *value {
	result := &value{kind: kindList}
	if opening == '{' {
		result.kind = kindObject
	}
	for r.refusal == "" && r.decoder.More() {
		if result.kind == kindList {
			result.items = append(result.items, r.read(depth+1))
			continue
		}
		name, _ := r.next().(string)
		result.members = append(result.members, member{name: name, value: r.read(depth + 1)})
	}
	if r.refusal == "" {
		r.next()
	}
	return result
}

// next returns the next token. An error cannot occur in a valid text; if it did, the text would be refused.
func (r *jsonReader) next() json.Token {
	token, err := r.decoder.Token()
	if err != nil {
		r.refusal = "must be valid JSON: " + shorten(err.Error())
	}
	return token
}
