// Package bases embeds the plain manifests of one cache, of what all caches share, of the cleaner, of the node configurator
// and of the monitoring. Each folder is a kustomization that builds alone; the functions build them in-process.
package bases

import "embed"

// FS holds the kustomizations of this folder under their own names, for example "cache/kustomization.yaml".
//
//go:embed cache cleaner common monitoring node
var FS embed.FS
