package decode

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checker holds a tree against a Go type. What it refuses it reports and takes out of the tree.
type checker struct {
	faults field.ErrorList
}

func (c *checker) checkRoot(root *value, t reflect.Type, path *field.Path) {
	c.dropDuplicates(root, path)
	if root.kind != kindObject {
		c.refuse(root, path, "must be an object")
		return
	}
	c.check(root, t, path)
}

// dropDuplicates reports every field that an object has more than once, anywhere in the tree, and keeps the first.
func (c *checker) dropDuplicates(v *value, path *field.Path) {
	for i, item := range v.items {
		c.dropDuplicates(item, path.Index(i))
	}
	seen := make(map[string]bool, len(v.members))
	kept := v.members[:0]
	for _, m := range v.members {
		fieldPath := path.Child(shorten(m.name))
		if seen[m.name] {
			fault := field.Duplicate(fieldPath, shorten(m.name))
			fault.Detail = "must be given only once"
			c.faults = append(c.faults, fault)
			continue
		}
		seen[m.name] = true
		kept = append(kept, m)
		c.dropDuplicates(m.value, fieldPath)
	}
	v.members = kept
}

// check reports where the value does not fit the type. A null fits every type: it is an absent field.
func (c *checker) check(v *value, t reflect.Type, path *field.Path) {
	if v.kind == kindNull {
		return
	}
	if t.Kind() == reflect.Pointer {
		c.check(v, t.Elem(), path)
		return
	}
	if want := expectationOf(t); !want.fits(v) {
		c.refuse(v, path, want.detail(v))
		return
	}
	if opaque(t) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		c.checkFields(v, t, path)
	case reflect.Slice:
		c.checkItems(v, t.Elem(), path)
	}
}

// checkItems checks the elements of a list. A null among them is a fault, for it would become an empty element.
func (c *checker) checkItems(v *value, t reflect.Type, path *field.Path) {
	for i, item := range v.items {
		if item.kind == kindNull {
			c.refuse(item, path.Index(i), expectationOf(t).detail(item))
			continue
		}
		c.check(item, t, path.Index(i))
	}
}

// checkFields checks the fields of an object and takes out those that the struct does not have.
func (c *checker) checkFields(v *value, t reflect.Type, path *field.Path) {
	names, types := fieldsOf(t)
	kept := v.members[:0]
	for _, m := range v.members {
		fieldPath := path.Child(shorten(m.name))
		fieldType, known := types[m.name]
		if !known {
			// The value is not quoted: in a field that does not exist it may be anything, even a password.
			c.faults = append(c.faults, field.Forbidden(fieldPath, unknown(names)))
			continue
		}
		c.check(m.value, fieldType, fieldPath)
		kept = append(kept, m)
	}
	v.members = kept
}

func unknown(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, name := range names {
		quoted = append(quoted, strconv.Quote(name))
	}
	return fmt.Sprintf("unknown field, must be one of %s", strings.Join(quoted, ", "))
}

// refuse reports the value and makes it a null, which the final decoding passes over.
func (c *checker) refuse(v *value, path *field.Path, detail string) {
	c.faults = append(c.faults, field.TypeInvalid(path, v.shown(), detail))
	*v = value{}
}

// fieldsOf returns the JSON names of a struct's fields, in their order, and their types. Fields of embedded structs
// (metav1.TypeMeta) count as the struct's own.
func fieldsOf(t reflect.Type) ([]string, map[string]reflect.Type) {
	var names []string
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" || name == "-" {
			continue
		}
		names = append(names, name)
		types[name] = f.Type
	}
	return names, types
}
