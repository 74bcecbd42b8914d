// Package overlays embeds the kustomize Components and the platforms' Kustomizations; the functions build the
// Components in-process.
package overlays

import "embed"

// FS holds the kustomizations of this folder under their own names, for example "components/tls/kustomization.yaml".
//
//go:embed components shoot standalone
var FS embed.FS
