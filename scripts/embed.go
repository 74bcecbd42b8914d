// Package scripts embeds the shell that runs on nodes, and the kustomization that puts it into a ConfigMap.
package scripts

import "embed"

// FS holds the scripts and their kustomization.
//
//go:embed *.sh kustomization.yaml
var FS embed.FS
