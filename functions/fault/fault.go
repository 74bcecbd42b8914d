// Package fault describes what is wrong with an input of the functions: where, which value, and what would be right. All
// faults of an input are reported at once; the doors print them and make KRM results of them.
package fault

import (
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Cause says which input is at fault, so that a controller knows whether waiting can help.
type Cause string

const (
	// Configuration is the functionConfig: only its author can mend it.
	Configuration Cause = "configuration"
	// Secret is a Secret that is missing or malformed: it may still appear or be corrected.
	Secret Cause = "secret"
	// Item is another object among the items.
	Item Cause = "item"
)

// Severity says whether a fault stops the function.
type Severity string

const (
	// Error stops the function.
	Error Severity = "error"
	// Warning is reported and stops nothing.
	Warning Severity = "warning"
	// Info is no fault: it says what the function relies on and cannot see. It is reported and stops nothing.
	Info Severity = "info"
)

// Object names the object at fault when it is not the functionConfig.
type Object struct {
	// APIVersion, Kind, Namespace and Name identify it.
	APIVersion, Kind, Namespace, Name string
	// Path is the file it came from, "" if unknown.
	Path string
}

// Fault is one thing that is wrong.
type Fault struct {
	// Severity says whether it stops the function.
	Severity Severity
	// Cause says which input is at fault.
	Cause Cause
	// Object is the object at fault; nil is the functionConfig.
	Object *Object
	// Field is the path of the field, "" if no field is to blame.
	Field string
	// Value is the refused value; nil if there is none or it must not be shown.
	Value any
	// Message says what is wrong and what would be right, without the field's path.
	Message string
}

// Error returns "<field>: <message>".
func (f Fault) Error() string {
	if f.Field == "" {
		return f.Message
	}
	return f.Field + ": " + f.Message
}

// List is all that is wrong with one input, and the error that the functions return for it.
type List []Fault

// Error returns all faults, separated by semicolons.
func (l List) Error() string {
	texts := make([]string, len(l))
	for i := range l {
		texts[i] = l[i].Error()
	}
	return strings.Join(texts, "; ")
}

// OrNil returns the list as an error, or nil if it has no fault that stops the function.
func (l List) OrNil() error {
	for i := range l {
		if l[i].Severity == Error {
			return l
		}
	}
	return nil
}

// Only says whether every fault that stops the function has this cause.
func (l List) Only(cause Cause) bool {
	for i := range l {
		if l[i].Severity == Error && l[i].Cause != cause {
			return false
		}
	}
	return l.OrNil() != nil
}

// FromError returns the faults that err holds, and whether it holds any; another error is not an input's fault.
func FromError(err error) (List, bool) {
	var list List
	ok := errors.As(err, &list)
	return list, ok
}

// maxValue is how much of a refused value is shown: more than any valid name has.
const maxValue = 300

// FromFields makes faults of field errors.
func FromFields(cause Cause, fields field.ErrorList) List {
	list := make(List, 0, len(fields))
	for _, e := range fields {
		if text, ok := e.BadValue.(string); ok && len(text) > maxValue {
			e.BadValue = text[:maxValue] + "..."
		}
		f := Fault{Severity: Error, Cause: cause, Field: e.Field, Message: e.ErrorBody()}
		if cause == Configuration && hasValue(e) {
			f.Value = e.BadValue
		}
		list = append(list, f)
	}
	return list
}

// hasValue says whether a field error holds the value that it refuses.
func hasValue(e *field.Error) bool {
	if e.Type == field.ErrorTypeRequired || e.Type == field.ErrorTypeForbidden {
		return false
	}
	_, omitted := e.BadValue.(field.OmitValueType)
	return !omitted
}
