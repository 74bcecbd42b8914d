// Package node tests what a node does against the real thing: containerd 2 and the 1.6 of Debian, a real registry as
// upstream and another as cache, and the guard of scripts/, in network namespaces that each test makes for itself.
//
// The tests need root on Linux and Debian's packages, so they hide behind the build tag node; make test-node runs them.
//
// Each test has a world of its own: a namespace "node" in which containerd and the guard run, and a namespace
// "internet" with the upstreams and the caches, connected by a veth pair. Neither has a way out. An address of the
// internet that is taken away swallows packets, as a cluster IP without a kube-proxy does. An upstream is a listener in
// the internet in front of a registry in the test's process; a cache is the registry in a process of its own, so that it
// can be killed and stopped. Host names are known through an /etc/hosts of the world's own, mounted for each process.
package node
