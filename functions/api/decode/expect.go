package decode

import (
	"reflect"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// expectation is what a value must be to fit a Go type.
type expectation struct {
	must string
	fits func(*value) bool
}

// detail says what the value must be instead of what it is.
func (e expectation) detail(v *value) string {
	if e.must == aString.must && (v.kind == kindNumber || v.kind == kindBool) {
		return e.must + ", written in quotes"
	}
	return e.must
}

var (
	anObject   = expectation{"must be an object", isKind(kindObject)}
	aList      = expectation{"must be a list", isKind(kindList)}
	aString    = expectation{"must be a string", isKind(kindText)}
	aBoolean   = expectation{"must be true or false", isKind(kindBool)}
	aQuantity  = expectation{"must be a quantity such as 10Gi", isQuantity}
	aDuration  = expectation{"must be a duration such as 168h", isDuration}
	everything = expectation{"", func(*value) bool { return true }}
)

// scalars are the struct types whose text is one value. The content of a RawExtension is left to another decoding.
var scalars = map[reflect.Type]expectation{
	reflect.TypeFor[resource.Quantity]():    aQuantity,
	reflect.TypeFor[metav1.Duration]():      aDuration,
	reflect.TypeFor[runtime.RawExtension](): anObject,
}

// opaque says that a type's Go fields are not those of its text.
func opaque(t reflect.Type) bool {
	_, found := scalars[t]
	return found
}

// expectationOf returns what a value of the type must be. Kinds that none of our types use are left to the final
// decoding.
func expectationOf(t reflect.Type) expectation {
	if want, found := scalars[t]; found {
		return want
	}
	switch t.Kind() {
	case reflect.Pointer:
		return expectationOf(t.Elem())
	case reflect.Struct:
		return anObject
	case reflect.Slice:
		return aList
	case reflect.String:
		return aString
	case reflect.Bool:
		return aBoolean
	default:
		return everything
	}
}

func isKind(want kind) func(*value) bool {
	return func(v *value) bool { return v.kind == want }
}

const maxQuantity = 64

// hugeExponent matches quantities that resource.ParseQuantity accepts at once and that are computed for hours as soon as
// they are compared or rounded: "1e999999999".
var hugeExponent = regexp.MustCompile(`[eE][-+]?[0-9]{3,}$`)

// isQuantity accepts a number and spaces around too, as resource.Quantity does.
func isQuantity(v *value) bool {
	if v.kind != kindText && v.kind != kindNumber {
		return false
	}
	_, ok := Quantity(v.text)
	return ok
}

// Quantity parses a Kubernetes quantity such as "10Gi" that comes from outside, and says whether it is one. It refuses
// exponents that resource.ParseQuantity accepts and that no comparison comes to an end with.
func Quantity(text string) (resource.Quantity, bool) {
	text = strings.Trim(text, " ")
	if len(text) > maxQuantity || hugeExponent.MatchString(text) {
		return resource.Quantity{}, false
	}
	quantity, err := resource.ParseQuantity(text)
	return quantity, err == nil
}

func isDuration(v *value) bool {
	_, err := time.ParseDuration(v.text)
	return v.kind == kindText && err == nil
}
