// Package names derives the names of a cache's objects from its upstream. Running landscapes rely on them: a name that
// changed would orphan a StatefulSet and its volume (COMPAT: names and labels of the existing extension).
package names

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// ObjectPrefix starts the name of every object of a cache.
	ObjectPrefix = "registry-"
	// maxLabelLength keeps the object name at 52 characters, the most that a StatefulSet's pods bear:
	// https://github.com/kubernetes/kubernetes/issues/64023.
	maxLabelLength = 43
	hashLength     = 5
)

// The labels and annotations by which a cache's objects are known.
const (
	// LabelApp has the object name of the upstream.
	LabelApp = "app"
	// LabelUpstreamHost has the UpstreamLabel of the upstream.
	LabelUpstreamHost = "upstream-host"
	// AnnotationUpstream of a Service has the upstream itself.
	AnnotationUpstream = "upstream"
)

// DockerHub is the upstream that images without a registry in their name come from.
const DockerHub = "docker.io"

// dockerHubURL is where Docker Hub serves the registry API; docker.io itself does not.
const dockerHubURL = "https://registry-1.docker.io"

// UpstreamLabel returns the value of the label upstream-host: the upstream with "-" for ":", at most 43 characters long.
// A longer one is cut and ends in a part of the SHA-256 of the whole upstream.
func UpstreamLabel(upstream string) string {
	label := strings.ReplaceAll(upstream, ":", "-")
	if len(upstream) <= maxLabelLength {
		return label
	}
	hash := sha256.Sum256([]byte(upstream))
	return label[:maxLabelLength-hashLength-1] + "-" + hex.EncodeToString(hash[:])[:hashLength]
}

// Object returns the name of the upstream's StatefulSet, from which the names of its other objects derive; at most 52
// characters. Two upstreams can have one name ("a.b.io" and "a-b.io"): validation refuses them together.
func Object(upstream string) string {
	return ObjectPrefix + strings.ReplaceAll(UpstreamLabel(upstream), ".", "-")
}

// Service returns the name of the upstream's Service: "registry-<suffix>" if the user gave one, else the object name.
func Service(upstream string, suffix *string) string {
	if suffix != nil {
		return ObjectPrefix + *suffix
	}
	return Object(upstream)
}

// TLSSecret returns the name of the Secret with the key pair of the upstream's cache, before any content hash.
func TLSSecret(upstream string) string {
	return Object(upstream) + "-tls"
}

// RemoteURL returns the URL that serves the upstream's registry API when the user does not give one.
func RemoteURL(upstream string) string {
	if upstream == DockerHub {
		return dockerHubURL
	}
	return "https://" + upstream
}
