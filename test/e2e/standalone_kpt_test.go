//go:build e2e

package e2e

import "path/filepath"

// kpt gets the package overlays/kpt from its repository, renders and applies it, by the very commands of the package's README.
func (e *env) kpt() {
	commands := e.document("overlays/kpt/README.md", "Usage", "shell", 4)
	folder := e.t.TempDir()
	e.shell(folder, commands[0])
	folder = filepath.Join(folder, "caches")
	e.shell(folder, commands[1])
	image := e.pushHub("library/kpt:1")
	e.shortLife(image,
		func() { e.shell(folder, commands[2]) },
		func() { e.shell(folder, commands[3]) })
	e.kubectl("delete", "namespace", standaloneHub.namespace)
}
