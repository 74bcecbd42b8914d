# What runs on a real cluster: as root, with Debian's packages iproute2 iptables runc mount util-linux curl.

# The name of a playground, and how many nodes it has. How long the soak runs.
NAME ?= default
NODES ?= 1
DURATION ?= 30m

.PHONY: cluster-up cluster-down e2e soak

cluster-up: bin/playground-cluster $(E2E_TOOLS) ## Start a real cluster to try caches in (NAME, NODES); needs root, leaves nothing behind.
	@bin/playground-cluster up -name $(NAME) -nodes $(NODES)

cluster-down: bin/playground-cluster ## Stop that cluster.
	@bin/playground-cluster down -name $(NAME)

bin/playground-cluster: FORCE
	@go build -o $@ ./test/playground

e2e: bin/registry-cache-fn $(E2E_TOOLS) ## Run all scenarios on real clusters (needs root and says what else).
	go test -tags e2e -count 1 -timeout 15m ./test/playground
	go test -tags e2e -count 1 -v -parallel 3 -timeout 40m ./test/e2e

soak: bin/registry-cache-fn $(E2E_TOOLS) ## Pull for DURATION (30m) while pods, caches, nodes and configurations come and go; look for growth (needs root).
	@go run ./test/soak -duration $(DURATION)
