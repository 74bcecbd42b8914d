// Package v1alpha1 is the API group mirror.extensions.gardener.cloud: mirrors outside the cluster, without a cache.
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GroupName is the API group of MirrorConfig.
const GroupName = "mirror.extensions.gardener.cloud"

// APIVersion is the apiVersion of MirrorConfig.
const APIVersion = GroupName + "/v1alpha1"

// MirrorConfig says which mirrors containerd tries before the upstream registries.
// +k8s:openapi-gen=true
type MirrorConfig struct {
	metav1.TypeMeta `json:",inline"`

	// Mirrors has one entry per upstream, at least one.
	// +k8s:validation:minItems=1
	Mirrors []MirrorConfiguration `json:"mirrors"`
}

// MirrorConfiguration lists the mirrors of one upstream.
// +k8s:openapi-gen=true
type MirrorConfiguration struct {
	// Upstream is the registry as it is written in image names: "host" or "host:port".
	Upstream string `json:"upstream"`
	// Hosts are the mirrors, tried in this order, at least one.
	// +k8s:validation:minItems=1
	Hosts []MirrorHost `json:"hosts"`
}

// MirrorHost is one mirror.
// +k8s:openapi-gen=true
type MirrorHost struct {
	// Host is the mirror's URL "scheme://host[:port][/path]".
	Host string `json:"host"`
	// Capabilities are what the mirror is used for. Default: pull. A mirror that may resolve tags must be trusted.
	// +optional
	Capabilities []MirrorHostCapability `json:"capabilities,omitempty"`
	// CABundleSecretReferenceName names the immutable Secret whose entry bundle.crt verifies the mirror's certificate.
	// +optional
	CABundleSecretReferenceName *string `json:"caBundleSecretReferenceName,omitempty"`
	// OverridePath says that the URL's path is the whole API root, so that /v2 is not appended. Default: false.
	// +optional
	OverridePath *bool `json:"overridePath,omitempty"`
}

// MirrorHostCapability is what a mirror is used for.
// +enum
type MirrorHostCapability string

const (
	// CapabilityPull fetches manifests and blobs by digest.
	CapabilityPull MirrorHostCapability = "pull"
	// CapabilityResolve resolves tags to digests.
	CapabilityResolve MirrorHostCapability = "resolve"
)

// Default fills in what the config leaves out: capabilities of a mirror are "pull".
func (c *MirrorConfig) Default() {
	for i := range c.Mirrors {
		for j := range c.Mirrors[i].Hosts {
			if host := &c.Mirrors[i].Hosts[j]; len(host.Capabilities) == 0 {
				host.Capabilities = []MirrorHostCapability{CapabilityPull}
			}
		}
	}
}
