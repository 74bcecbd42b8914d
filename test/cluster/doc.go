// Package cluster starts real clusters for tests: etcd, kube-apiserver, kube-controller-manager and the
// gardener-resource-manager, as processes on the loopback interface, without root. One API server plays both the seed and
// the shoot, so what the resource-manager applies into "the shoot" is found in the kube-system namespace beside the seed's
// objects. Without nodes a DaemonSet is healthy with zero pods, and pods of StatefulSets stay pending.
//
// With [Options.Nodes], and as root, a cluster has real nodes: kubelet, containerd, runc and kube-proxy in namespaces of their own,
// and an [Internet] with registries that note who asks them. docs/development.md says how they are made.
//
// [Start] needs no *testing.T, so that a TestMain can call it; [Pool] lends clusters to tests that run in parallel. A
// [Shoot] plays gardenlet: it writes Cluster, Extension and OperatingSystemConfig objects and waits with gardenlet's own
// functions.
//
// The programs are built by make into bin/tools; programs that import this package link only with CGO_ENABLED=0.
package cluster
