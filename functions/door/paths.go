package door

import (
	"path"
	"strings"

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
	if o.Kind() == "Secret" {
		role, _, _ := strings.Cut(strings.TrimPrefix(o.Name(), folder+"-"), "-")
		file += "-" + role
	}
	return path.Join(folder, file+".yaml")
}
