//go:build e2e

package e2e

// folder applies the folder that registry-cache-fn writes of the config in docs/gitops.md. Nobody serves ghcr.io here: its cache runs
// nevertheless.
func (e *env) folder() {
	config := e.document("docs/gitops.md", "Render", "yaml", 1)[0]
	folder := e.t.TempDir()
	e.write(folder, "caches.yaml", config)
	e.shell(folder, "registry-cache-fn caches.yaml -o rendered")
	image := e.pushHub("library/folder:1")
	e.shortLife(image, func() { e.shell(folder, "kubectl apply -k rendered") }, func() {
		e.awaitUse(e.node, "ghcr.io")
		e.shell(folder, "kubectl delete -k rendered")
		e.awaitDirect(e.node, "ghcr.io")
	})
}
