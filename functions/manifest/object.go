// Package manifest has what the functions need to change Kubernetes objects as plain maps: find a part by its name, set a
// value, order and mark objects. Maps are copied and serialised several times faster than kyaml's nodes or typed objects.
package manifest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Object is a Kubernetes object as decoded JSON: maps, slices, strings, bools, int64 and float64.
type Object map[string]any

// DeepCopy returns a copy that shares nothing with the original.
func (o Object) DeepCopy() Object {
	return runtime.DeepCopyJSON(o)
}

// APIVersion returns the object's apiVersion, or "".
func (o Object) APIVersion() string { return text(o["apiVersion"]) }

// Kind returns the object's kind, or "".
func (o Object) Kind() string { return text(o["kind"]) }

// Name returns the object's name, or "".
func (o Object) Name() string { return text(Map(o, "metadata")["name"]) }

// SetName sets the object's name.
func (o Object) SetName(name string) { Ensure(o, "metadata")["name"] = name }

// Namespace returns the object's namespace, or "".
func (o Object) Namespace() string { return text(Map(o, "metadata")["namespace"]) }

// SetNamespace sets the object's namespace.
func (o Object) SetNamespace(namespace string) { Ensure(o, "metadata")["namespace"] = namespace }

// Annotation returns the value of an annotation, or "".
func (o Object) Annotation(key string) string { return text(Map(o, "metadata", "annotations")[key]) }

// SetAnnotation sets an annotation.
func (o Object) SetAnnotation(key, value string) { Ensure(o, "metadata", "annotations")[key] = value }

// LocalConfigAnnotation marks objects that are for tools and not for the cluster; kustomize and kpt do not apply them.
const LocalConfigAnnotation = "config.kubernetes.io/local-config"

// IsLocalConfig says whether the object is for tools and not for the cluster.
func (o Object) IsLocalConfig() bool {
	value, marked := Map(o, "metadata", "annotations")[LocalConfigAnnotation]
	return marked && value != "false"
}

// FilePath returns the file that the object was read from, as kyaml's readers, kustomize and kpt annotate it, or "".
func (o Object) FilePath() string {
	if path := o.Annotation(kioutil.PathAnnotation); path != "" {
		return path
	}
	return o.Annotation("config.kubernetes.io/path") // what older tools set
}

// Label returns the value of a label, or "".
func (o Object) Label(key string) string { return text(Map(o, "metadata", "labels")[key]) }

// SetLabel sets a label.
func (o Object) SetLabel(key, value string) { Ensure(o, "metadata", "labels")[key] = value }

// ID identifies an object in a set of manifests: its group, kind, namespace and name, and not its version, since two
// versions of one object cannot both be applied.
type ID struct {
	Group, Kind, Namespace, Name string
}

// ID returns what identifies the object.
func (o Object) ID() ID {
	group, _ := resid.ParseGroupVersion(o.APIVersion())
	return ID{Group: group, Kind: o.Kind(), Namespace: o.Namespace(), Name: o.Name()}
}

// String returns "Kind namespace/name".
func (id ID) String() string {
	if id.Namespace == "" {
		return fmt.Sprintf("%s %s", id.Kind, id.Name)
	}
	return fmt.Sprintf("%s %s/%s", id.Kind, id.Namespace, id.Name)
}

// Map returns the map at the path below o, or nil if there is none; it can be read and, if not nil, changed in place.
func Map(o map[string]any, path ...string) map[string]any {
	for _, key := range path {
		o = asMap(o[key])
	}
	return o
}

// Ensure returns the map at the path below o and creates what is missing on the way.
func Ensure(o map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next := asMap(o[key])
		if next == nil {
			next = map[string]any{}
			o[key] = next
		}
		o = next
	}
	return o
}

// Named returns the entry of a list of maps whose name is given, or nil: a container, a volume, a variable.
func Named(list any, name string) map[string]any {
	entries, _ := list.([]any)
	for _, entry := range entries {
		if m := asMap(entry); text(m["name"]) == name {
			return m
		}
	}
	return nil
}

// Text returns the string at the path below o, or "".
func Text(o map[string]any, path ...string) string {
	last := len(path) - 1
	return text(Map(o, path[:last]...)[path[last]])
}

func asMap(value any) map[string]any {
	switch m := value.(type) {
	case map[string]any:
		return m
	case Object:
		return m
	}
	return nil
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
