// Package e2e runs the caches on real clusters of package cluster: what a user applies, on nodes with a real kubelet and a real
// containerd, in front of registries that count who asks them. Run it with make e2e, as root.
package e2e
