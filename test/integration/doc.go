// Package integration proves the Gardener extension on real parts: etcd, kube-apiserver, kube-controller-manager and
// gardener-resource-manager, and the extension itself as its own process, with exactly the rights and arguments of its chart.
// Only gardenlet is played, by package cluster. One file is one scenario.
//
// There are no nodes, so no pod ever runs; what needs pods is proven elsewhere.
package integration
