// Package images builds this project's container images as OCI layouts, without a daemon and from scratch.
//
// The same source gives the same digests, in any folder and at any time, with the same version of Go: programs are built
// without paths, time and the caller's Go settings, files in layers have no time and belong to root, and an image is as old
// as its commit. An image holds static programs and nothing else; only the node helper has a shell, which is Debian's
// busybox-static, so that its digest follows that package too (the image's history names its version).
//
// No image has CA certificates: the cache has the public ones in its program, the function has no network, the extension and the admission component talk to API servers
// whose certificates come with their kubeconfigs, and the node helper verifies caches by the CA that the guard is given.
//
// Programs run as user 65532 unless the pod or the caller says otherwise, as the node's DaemonSets (root) and kpt (nobody) do.
package images
