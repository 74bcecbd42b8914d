// Package scripts embeds the shell that runs on nodes, its systemd unit, and the kustomization that puts the shell into
// ConfigMaps.
package scripts

import "embed"

// FS holds the scripts, the systemd unit and the kustomization.
//
//go:embed *.sh *.service kustomization.yaml
var FS embed.FS
