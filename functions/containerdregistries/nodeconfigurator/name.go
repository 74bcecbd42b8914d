package nodeconfigurator

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	baseName = "registry-cache-node-configurator"
	// maxName is how long a label's value may be: the name also is the label that selects the pods.
	maxName = 63
)

// Name returns the name of a config's node configurator. Each config has one of its own, so that two configs in one package
// leave each other alone: role tells kinds apart, "" for that of caches, and name is the config's own, which may be empty. What
// no label may have is replaced, and what is too long cut, and then a part of a hash keeps different configs apart.
func Name(role, name string) string {
	full := baseName
	for _, part := range []string{role, name} {
		if part != "" {
			full += "-" + part
		}
	}
	clean := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-':
			return r
		}
		return '-'
	}, strings.ToLower(full)), "-")
	if clean == full && len(full) <= maxName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	tail := "-" + hex.EncodeToString(sum[:])[:8]
	return clean[:min(len(clean), maxName-len(tail))] + tail
}
