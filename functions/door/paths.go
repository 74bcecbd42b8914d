package door

import (
	"path"
	"strings"

	fnv1alpha1 "github.com/registry-cache/registry-cache/functions/api/functions/v1alpha1"
	"github.com/registry-cache/registry-cache/functions/manifest"
)

// filePathFor returns where an object is laid out in a package: a folder per cache and a file per object, named for what
// it is, without a content hash that would rename the file with every change.
func filePathFor(o manifest.Object) string {
	folder := o.Label("app")
	if folder == "" {
		folder = o.Label("app.kubernetes.io/name")
	}
	file := strings.ToLower(o.Kind())
	if o.Kind() == "Secret" || o.Kind() == "Issuer" { // of which there may be several
		role, _, _ := strings.Cut(strings.TrimPrefix(o.Name(), folder+"-"), "-")
		file += "-" + role
	}
	namespace := o.Namespace()
	if o.Kind() == "Namespace" {
		namespace = o.Name()
	}
	if namespace == fnv1alpha1.DefaultNamespace || namespace == fnv1alpha1.ShootNamespace {
		namespace = "" // the usual case needs no folder; others do, or two configs would share a file
	}
	return path.Join(namespace, folder, file+".yaml")
}
