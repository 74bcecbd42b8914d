package cluster

import (
	"fmt"
	"net/netip"
)

// The addresses of a cluster with nodes. They are in its namespaces only, so all clusters have the same. What has no address
// in the internet vanishes there without a word: so does a packet to a cluster IP that kube-proxy knows nothing of.
const (
	internetAddress = "10.80.0.1"
	nodePrefix      = 24
	dnsAddress      = "10.96.0.10"
	// kubernetesAddress is that of the Service of the API server.
	kubernetesAddress = "10.96.0.1"
	// podRange has the pods of all nodes.
	podRange = "10.81.0.0/16"
	// maxNodes is how many nodes have credentials: those are read only when the API server starts.
	maxNodes = 4
)

// nodeName returns the name of the node with a number, from 0 on.
func nodeName(number int) string { return fmt.Sprintf("node-%d", number) }

func nodeAddress(number int) netip.Addr { return netip.AddrFrom4([4]byte{10, 80, 0, byte(2 + number)}) }

// nodePods returns the range of addresses of the pods of a node.
func nodePods(number int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 81, byte(number), 0}), 24)
}

// Names are the hosts of the internet by their addresses. Nodes and pods know them from the beginning; who answers there, a
// test decides with [Internet.StartRegistry].
var Names = map[string]string{
	"registry-1.docker.io": "10.82.0.1",
	"quay.io":              "10.82.0.2",
	"ghcr.io":              "10.82.0.3",
	"registry.k8s.io":      "10.82.0.4",
	"plain.example.net":    "10.82.0.5",
	"basic.example.net":    "10.82.0.6",
	"bearer.example.net":   "10.82.0.7",
	"spare.example.net":    "10.82.0.8",
}
