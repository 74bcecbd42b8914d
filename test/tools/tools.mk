# How the tools of tests and checks are built into bin/tools, each pinned by the go.mod of its module. One module cannot hold
# all: what kpt, containerd, Kubernetes and Prometheus need does not compile together.

# golangci-lint's own cache takes what it found in one clone for what is in another.
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/golangci-lint

TEST_TOOLS := bin/tools/kustomize bin/tools/kpt bin/tools/promtool
NODE_TOOLS := bin/tools/containerd bin/tools/containerd-shim-runc-v2 bin/tools/ctr bin/tools/cripull
CNI_TOOLS := bin/tools/cni/host-local bin/tools/cni/loopback bin/tools/cni/ptp
KUBERNETES := kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl
KUBERNETES_TOOLS := $(KUBERNETES:%=bin/tools/%)
CLUSTER_TOOLS := bin/tools/etcd $(KUBERNETES_TOOLS) bin/tools/gardener-resource-manager
# What a real cluster with a node needs.
E2E_TOOLS := $(NODE_TOOLS) $(CNI_TOOLS) $(CLUSTER_TOOLS) bin/tools/coredns bin/tools/registry bin/tools/kustomize bin/tools/kpt

# The packages of the tools in test/tools.
TOOL_benchstat := golang.org/x/perf/cmd/benchstat
TOOL_golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
TOOL_kustomize := sigs.k8s.io/kustomize/kustomize/v5
TOOL_openapi-gen := k8s.io/kube-openapi/cmd/openapi-gen
KPT := github.com/GoogleContainerTools/kpt

bin/tools/%: test/tools/go.mod test/tools/go.sum
	@echo "building $* (once, about a minute) ..."
	@go build -C test/tools -o $(CURDIR)/$@ $(TOOL_$*)

bin/tools/kpt: test/tools/kpt/go.mod test/tools/kpt/go.sum
	@echo "building kpt (once, about a minute) ..."
	@go build -C test/tools/kpt -o $(CURDIR)/$@ \
		-ldflags "-X $(KPT)/run.version=$$(go list -C test/tools/kpt -m -f '{{.Version}}' $(KPT))" $(KPT)

bin/tools/promtool: test/tools/prometheus/go.mod test/tools/prometheus/go.sum
	@echo "building promtool (once, about two minutes) ..."
	@go build -C test/tools/prometheus -o $(CURDIR)/$@ -tags remove_all_sd -ldflags '-s -w' github.com/prometheus/prometheus/cmd/promtool

$(NODE_TOOLS) &: test/tools/containerd/go.mod test/tools/containerd/go.sum test/tools/containerd/cripull/main.go
	@echo "building containerd (once, about a minute) ..."
	@go build -C test/tools/containerd -o $(CURDIR)/bin/tools/ -ldflags '-s -w' \
		./cripull $$(go list -C test/tools/containerd -f '{{.ImportPath}}' tool)

# containerd looks for plugins in a folder that has nothing else. They are of use only without cgo, as containers are.
$(CNI_TOOLS) &: test/tools/cni/go.mod test/tools/cni/go.sum
	@echo "building the CNI plugins (once, half a minute) ..."
	@mkdir -p bin/tools/cni
	@CGO_ENABLED=0 go build -C test/tools/cni -o $(CURDIR)/bin/tools/cni/ -ldflags '-s -w' $$(go list -C test/tools/cni -f '{{.ImportPath}}' tool)

# CoreDNS with the few plugins that a cluster under test needs; it runs in an image that has nothing else.
bin/tools/coredns: $(wildcard test/tools/coredns/*.*)
	@echo "building CoreDNS (once, about a minute) ..."
	@CGO_ENABLED=0 go build -C test/tools/coredns -o $(CURDIR)/$@ -trimpath -ldflags '-s -w' .

# Kubernetes says its version only if told at the link; the API server's clients go by it.
KUBERNETES_VERSION = $(shell go list -C test/tools/cluster -m -f '{{.Version}}' k8s.io/kubernetes)
bin/tools/etcd: test/tools/cluster/go.mod test/tools/cluster/go.sum
	@echo "building etcd (once, about a minute) ..."
	@go build -C test/tools/cluster -o $(CURDIR)/$@ -ldflags '-s -w' go.etcd.io/etcd/server/v3

$(KUBERNETES_TOOLS) &: test/tools/cluster/go.mod test/tools/cluster/go.sum
	@echo "building Kubernetes (once, about seven minutes) ..."
	@go build -C test/tools/cluster -o $(CURDIR)/bin/tools/ -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION) \
		-X k8s.io/client-go/pkg/version.gitVersion=$(KUBERNETES_VERSION)" $(KUBERNETES:%=k8s.io/kubernetes/cmd/%)

bin/tools/gardener-resource-manager: go.mod
	@echo "building gardener-resource-manager (once, about a minute) ..."
	@go build -o $@ -ldflags '-s -w' github.com/gardener/gardener/cmd/gardener-resource-manager

# distribution's own registry, with all that it can store in: a module graph that nothing else here needs.
bin/tools/registry: go.mod
	@echo "building distribution's registry (once, about four minutes) ..."
	@GOBIN=$(CURDIR)/bin/tools go install -trimpath -ldflags '-s -w' \
		github.com/distribution/distribution/v3/cmd/registry@$$(go list -m -f '{{.Version}}' github.com/distribution/distribution/v3)
