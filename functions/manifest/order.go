package manifest

import (
	"cmp"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Key is what objects are ordered by.
type Key struct {
	APIVersion, Kind, Namespace, Name string
}

// Sort orders objects as kustomize does by default: what others depend on first, then by kind, namespace and name.
func Sort(objects []Object) {
	slices.SortStableFunc(objects, func(a, b Object) int { return Compare(a.key(), b.key()) })
}

// Compare orders two objects as Sort does.
func Compare(a, b Key) int {
	if a.APIVersion != b.APIVersion || a.Kind != b.Kind {
		x, y := a.gvk(), b.gvk()
		switch {
		case x.IsLessThan(y):
			return -1
		case y.IsLessThan(x):
			return 1
		}
	}
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func (o Object) key() Key {
	return Key{APIVersion: o.APIVersion(), Kind: o.Kind(), Namespace: o.Namespace(), Name: o.Name()}
}

// gvk leaves out the scope, which resid would look up in kyaml's global OpenAPI schema.
func (k Key) gvk() resid.Gvk {
	group, version := resid.ParseGroupVersion(k.APIVersion)
	return resid.Gvk{Group: group, Version: version, Kind: k.Kind}
}
