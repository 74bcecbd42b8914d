package decode

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// kind is what a value is; the zero value is null.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindList
	kindObject
)

// value is a node of the generic tree, the common form of YAML and JSON. Unlike a Go map it keeps the order of the
// fields and the duplicates among them.
type value struct {
	kind kind
	// text is that of a boolean, number (in JSON's notation) or text.
	text    string
	items   []*value
	members []member
}

// member is a field of an object.
type member struct {
	name  string
	value *value
}

// shown returns the value as a fault quotes it. Objects and lists are named rather than quoted, as Kubernetes does: they
// may be long, and hold what the user meant to keep to himself.
func (v *value) shown() any {
	switch v.kind {
	case kindBool:
		return v.text == "true"
	case kindNumber:
		return shownNumber(v.text)
	case kindText:
		return shorten(v.text)
	case kindList:
		return "list"
	case kindObject:
		return "object"
	default:
		return nil
	}
}

func shownNumber(digits string) any {
	if whole, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return whole
	}
	if float, err := strconv.ParseFloat(digits, 64); err == nil {
		return float
	}
	return shorten(digits)
}

// maxShown is how many characters of a user's text a fault quotes.
const maxShown = 100

// shorten cuts what is too long for a message.
func shorten(long string) string {
	if utf8.RuneCountInString(long) <= maxShown {
		return long
	}
	return string([]rune(long)[:maxShown]) + "..."
}

// appendJSON appends the value as JSON.
func (v *value) appendJSON(out []byte) []byte {
	switch v.kind {
	case kindBool, kindNumber:
		return append(out, v.text...)
	case kindText:
		return appendString(out, v.text)
	case kindList:
		return v.appendList(out)
	case kindObject:
		return v.appendObject(out)
	default:
		return append(out, "null"...)
	}
}

func (v *value) appendList(out []byte) []byte {
	out = append(out, '[')
	for i, item := range v.items {
		if i > 0 {
			out = append(out, ',')
		}
		out = item.appendJSON(out)
	}
	return append(out, ']')
}

func (v *value) appendObject(out []byte) []byte {
	out = append(out, '{')
	for i, field := range v.members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, field.name), ':')
		out = field.value.appendJSON(out)
	}
	return append(out, '}')
}

func appendString(out []byte, plain string) []byte {
	quoted, err := json.Marshal(plain)
	if err != nil { // a string can always be marshalled
		return append(out, `""`...)
	}
	return append(out, quoted...)
}
