// Package v1alpha1 holds the functionConfigs of registry-cache-fn that are this project's own: what a deployer knows
// beside the RegistryConfig that a Gardener user writes.
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// GroupName is the API group of RegistryCaches, RegistryCleaner and ContainerdRegistries.
const GroupName = "functions.registry.extensions.gardener.cloud"

// APIVersion is the apiVersion of these kinds.
const APIVersion = GroupName + "/v1alpha1"

// GeneratedByAnnotation marks every generated object with "<kind>/<metadata.name>" of the config it came from.
const GeneratedByAnnotation = GroupName + "/generated-by"

// Platform is where the manifests will run.
// +enum
type Platform string

const (
	// PlatformShoot is a cluster managed by Gardener: objects live in kube-system, Secrets are immutable and carry
	// Gardener's garbage-collection marks.
	PlatformShoot Platform = "shoot"
	// PlatformStandalone is any other Kubernetes cluster: objects live in a namespace of their own.
	PlatformStandalone Platform = "standalone"
)

// Registry is the program that a cache runs. Both read the same config.yml; they differ in what they need beside it.
// +enum
type Registry string

const (
	// RegistryCache is this project's own: it reads the upstream's credentials from a mounted Secret, and again when they
	// change, and gives content that has no expiry one when a TTL is switched on.
	RegistryCache Registry = "registry-cache"
	// RegistryDistribution is the registry of github.com/distribution/distribution as it is: it knows credentials from its
	// config.yml only.
	RegistryDistribution Registry = "distribution"
)

// Registries are all programs that a cache can run, the default first.
func Registries() []Registry {
	return []Registry{RegistryCache, RegistryDistribution}
}

const (
	// DefaultNamespace is where the objects of platform standalone live.
	DefaultNamespace = "registry-cache"
	// ShootNamespace is where the objects of platform shoot live.
	ShootNamespace = "kube-system"
)

// RegistryCaches renders the caches of a RegistryConfig for a platform.
// +k8s:openapi-gen=true
type RegistryCaches struct {
	metav1.TypeMeta `json:",inline"`

	// RegistryConfig is a whole RegistryConfig, of any version, with its apiVersion and kind.
	RegistryConfig runtime.RawExtension `json:"registryConfig"`
	// Platform is where the manifests will run. Default: standalone.
	// +optional
	Platform Platform `json:"platform,omitempty"`
	// Namespace is where the objects live on platform standalone. Default: registry-cache. On platform shoot it is
	// always kube-system.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// Registry is the program in the image: registry-cache, this project's own, or distribution, the registry of
	// github.com/distribution/distribution as it is. Default: registry-cache.
	// +optional
	Registry Registry `json:"registry,omitempty"`
	// Image is the registry's image. Default: registry.example.com/registry-cache/registry-cache in this version, which stands for
	// where you push it; with registry distribution the image that this version was tested with, pinned by its digest.
	// +optional
	Image string `json:"image,omitempty"`
	// VerticalPodAutoscaler renders a VerticalPodAutoscaler for each cache. Default: false.
	// +optional
	VerticalPodAutoscaler bool `json:"verticalPodAutoscaler,omitempty"`
	// Services pins the addresses of Services.
	// +optional
	Services []PinnedService `json:"services,omitempty"`
	// Certificates has cert-manager make and renew the key pair of each cache with TLS. Platform standalone only; without it somebody
	// else makes the Secrets.
	// +optional
	Certificates *Certificates `json:"certificates,omitempty"`
	// Nodes says how the nodes of platform standalone are configured.
	// +optional
	Nodes *Nodes `json:"nodes,omitempty"`
}

// Certificates says who signs the certificates of the caches.
// +k8s:openapi-gen=true
type Certificates struct {
	// IssuerRef names an issuer of cert-manager's that signs private addresses and puts its ca.crt into the Secret, so not one for
	// ACME. Default: an authority for the caches alone, which is rendered with them.
	// +optional
	IssuerRef *IssuerReference `json:"issuerRef,omitempty"`
}

// IssuerReference names an issuer of cert-manager's.
// +k8s:openapi-gen=true
type IssuerReference struct {
	// Name is the name of the issuer.
	Name string `json:"name"`
	// Kind is the kind of the issuer. Default: Issuer, in the namespace of the caches.
	// +optional
	Kind string `json:"kind,omitempty"`
	// Group is the API group of the issuer. Default: cert-manager.io.
	// +optional
	Group string `json:"group,omitempty"`
}

// PinnedService gives the Service of a cache a fixed address.
// +k8s:openapi-gen=true
type PinnedService struct {
	// Upstream is the upstream of a cache in the RegistryConfig.
	Upstream string `json:"upstream"`
	// ClusterIP is the address of its Service, IPv4 or IPv6.
	ClusterIP string `json:"clusterIP"`
}

// Nodes says how the nodes of platform standalone are configured.
// +k8s:openapi-gen=true
type Nodes struct {
	// Enabled renders the node configurator too. Default: true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// Image is the node configurator's image, with a shell, and registry-cache-probe, curl or wget. Default:
	// registry.example.com/registry-cache/registry-cache-node-helper in this version, which stands for where you push it.
	// +optional
	Image string `json:"image,omitempty"`
}

// RegistryCleaner renders the DaemonSet that withdraws caches from the nodes before they go.
// +k8s:openapi-gen=true
type RegistryCleaner struct {
	metav1.TypeMeta `json:",inline"`

	// Upstreams are the upstream registries to withdraw, at least one.
	// +k8s:validation:minItems=1
	Upstreams []string `json:"upstreams"`
	// Platform is where the manifests will run. Default: standalone.
	// +optional
	Platform Platform `json:"platform,omitempty"`
	// Image has a POSIX shell and coreutils (or busybox). Default: registry.example.com/registry-cache/registry-cache-node-helper in
	// this version, which stands for where you push it.
	// +optional
	Image string `json:"image,omitempty"`
}

// ContainerdRegistries says what containerd on a node should use. On platform shoot it patches every OperatingSystemConfig of
// purpose reconcile among the items; on platform standalone it renders the node configurator.
// +k8s:openapi-gen=true
type ContainerdRegistries struct {
	metav1.TypeMeta `json:",inline"`

	// Registries are the upstream registries to configure, at least one.
	// +k8s:validation:minItems=1
	Registries []ContainerdRegistry `json:"registries"`
	// Platform is where the configuration goes. Default: standalone.
	// +optional
	Platform Platform `json:"platform,omitempty"`
	// Image is the node configurator's image on platform standalone, with a shell, and registry-cache-probe, curl or wget. Default:
	// registry.example.com/registry-cache/registry-cache-node-helper in this version, which stands for where you push it.
	// +optional
	Image string `json:"image,omitempty"`
}

// ContainerdRegistry is the configuration of one upstream.
// +k8s:openapi-gen=true
type ContainerdRegistry struct {
	// Upstream is the registry as it is written in image names: "host" or "host:port".
	Upstream string `json:"upstream"`
	// Server is the URL of the upstream, tried after all hosts. With probe it has no path.
	Server string `json:"server"`
	// Probe hands the registry to the guard, which uses the host exactly while it answers; needs exactly one host, without
	// path. Otherwise it is a mirror, which is always tried. Default: false.
	// +optional
	Probe bool `json:"probe,omitempty"`
	// Hosts are tried in this order, at least one.
	// +k8s:validation:minItems=1
	Hosts []ContainerdHost `json:"hosts"`
}

// ContainerdHost is one cache or mirror of an upstream.
// +k8s:openapi-gen=true
type ContainerdHost struct {
	// URL is the host's URL.
	URL string `json:"url"`
	// Capabilities are what the host is used for: "pull" and "resolve". Default: pull; with probe always both.
	// +optional
	Capabilities []string `json:"capabilities,omitempty"`
	// OverridePath says that the URL's path is the whole API root, so that /v2 is not appended. Default: false.
	// +optional
	OverridePath bool `json:"overridePath,omitempty"`
	// CABundleSecretName names the Secret whose entry bundle.crt verifies the host's certificate. All hosts with https of
	// registries with probe name the same.
	// +optional
	CABundleSecretName string `json:"caBundleSecretName,omitempty"`
}
