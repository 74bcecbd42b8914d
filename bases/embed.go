// Package bases embeds the plain manifests of one cache, of what all caches share, of the cleaner and of the node
// configurator. Each folder is a kustomization that builds alone; the functions build them in-process.
package bases

import "embed"

// FS holds the kustomizations of this folder under their own names, for example "cache/kustomization.yaml".
//
//go:embed cache cleaner common node
var FS embed.FS
