package decode

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	sigsjson "sigs.k8s.io/json"
)

// Strict decodes text, one YAML document or JSON value, into the struct that into points to and returns every fault in
// it: unknown and duplicate fields, wrong types, quantities and durations that do not parse. path is where the text
// stands in its surroundings, nil for a text of its own; a fault of the whole text then has an empty field.
//
// Field names are matched with their case. A null is an absent field, but not an absent element of a list. A
// runtime.RawExtension takes any object, whose fields are left to a decoding of its own. The text's metadata must have
// been taken off before.
//
// With faults, into still receives what is not faulty, so that the caller can validate it too and report all faults
// together, see Join. What into held before is overwritten.
func Strict(text []byte, into any, path *field.Path) field.ErrorList {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return field.ErrorList{field.InternalError(path, fmt.Errorf("decoding into %T: must be a pointer to a struct", into))}
	}
	target = target.Elem()

	tree, faults := parse(text, path)
	if tree != nil {
		c := &checker{faults: faults}
		c.checkRoot(tree, target.Type(), path)
		c.faults = append(c.faults, assign(tree, target, path)...)
		faults = c.faults
	}
	return nameRoot(faults, path)
}

// Join returns the faults of decoding followed by those of validating what was decoded, without the latter's
// consequences of the former: those at or below a field that decoding has refused already.
func Join(decoding, validation field.ErrorList) field.ErrorList {
	joined := append(field.ErrorList{}, decoding...)
	for _, fault := range validation {
		if !covered(fault.Field, decoding) {
			joined = append(joined, fault)
		}
	}
	return joined
}

// covered says whether one of the faults is at the field or at one that contains it.
func covered(name string, faults field.ErrorList) bool {
	for _, fault := range faults {
		rest, below := strings.CutPrefix(name, fault.Field)
		if below && (rest == "" || fault.Field == "" || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "[")) {
			return true
		}
	}
	return false
}

// assign decodes the checked tree into the target. It should find nothing more to refuse; what it finds nevertheless
// (a type that the checker does not know) is reported rather than lost.
func assign(tree *value, target reflect.Value, path *field.Path) field.ErrorList {
	fresh := reflect.New(target.Type())
	strict, err := sigsjson.UnmarshalStrict(tree.appendJSON(nil), fresh.Interface())
	if err != nil {
		strict = append(strict, err)
	}
	if len(strict) == 0 {
		target.Set(fresh.Elem())
		return nil
	}
	var faults field.ErrorList
	for _, cause := range strict {
		faults = append(faults, field.Invalid(path, field.OmitValueType{}, shorten(cause.Error())))
	}
	return faults
}

// nameRoot gives faults of a whole text without a path an empty field; field.Path calls a nil path "<nil>".
func nameRoot(faults field.ErrorList, path *field.Path) field.ErrorList {
	if path != nil {
		return faults
	}
	for _, fault := range faults {
		if fault.Field == path.String() {
			fault.Field = ""
		}
	}
	return faults
}
