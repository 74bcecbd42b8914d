# How long each benchmark and each fuzz target runs.
BENCHTIME ?= 1s
FUZZTIME ?= 30s

# The packages of the tools that test/tools/go.mod pins; kpt has a module of its own.
TOOL_benchstat := golang.org/x/perf/cmd/benchstat
TOOL_golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
TOOL_kustomize := sigs.k8s.io/kustomize/kustomize/v5
TOOL_openapi-gen := k8s.io/kube-openapi/cmd/openapi-gen
KPT := github.com/GoogleContainerTools/kpt

TEST_TOOLS := bin/tools/kustomize bin/tools/kpt
NODE_TOOLS := bin/tools/containerd bin/tools/ctr bin/tools/cripull
API := functions/api

.PHONY: help build test test-node figures lint bench fuzz demo generate tools clean
.DELETE_ON_ERROR:

help: ## List the targets (default).
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

build: ## Build bin/registry-cache-fn.
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/registry-cache-fn ./functions/cmd/registry-cache-fn

test: build $(TEST_TOOLS) ## Run all tests that need no root, with the real kustomize and kpt.
	go test ./...

test-node: $(NODE_TOOLS) ## Run the tests of a node, with real containerds in network namespaces (needs root and says what else).
	go test -tags node -count 1 -parallel 60 -timeout 15m ./scripts # these wait most of the time
	go test -tags node -count 1 -parallel 8 -timeout 15m ./test/node

figures: $(NODE_TOOLS) ## Print what a dead cache costs a pull, with and without the guard, and what the guard costs (4 minutes).
	@go test -C test/node -tags node -count 1 -parallel 20 -timeout 15m -run '^(TestFigures|TestGuardCost)$$' -figures

lint: bin/tools/golangci-lint ## Check Go code and shell scripts.
	bin/tools/golangci-lint run
	bin/tools/golangci-lint run --build-tags node ./scripts ./test/node
	@command -v shellcheck >/dev/null || { echo "make lint needs shellcheck: apt-get install shellcheck" >&2; exit 1; }
	shellcheck .ci/run $$(git ls-files --cached --others --exclude-standard '*.sh')

bench: build $(TEST_TOOLS) ## Run all benchmarks, each for BENCHTIME (1s).
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

fuzz: ## Run each fuzz target for FUZZTIME (30s).
	@set -e; for file in $$(grep -rlE --include='*_test.go' '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "fuzzing $$target of $$(dirname "$$file") for $(FUZZTIME) ..."; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$(dirname "$$file")"; \
		done; \
	done

demo: ## Render a RegistryConfig and pull an image twice through the cache it describes.
	@go run ./test/demo

generate: bin/tools/openapi-gen ## Make the JSON Schemas and KRMFunctionDefinitions from the API types.
	bin/tools/openapi-gen --output-dir $(API)/openapi --output-pkg github.com/registry-cache/registry-cache/$(API)/openapi \
		--output-file zz_generated.openapi.go --report-filename /dev/null \
		./$(API)/registry/... ./$(API)/mirror/... ./$(API)/functions/...
	go run ./$(API)/openapi/generate $(API)

tools: $(TEST_TOOLS) $(NODE_TOOLS) bin/tools/golangci-lint bin/tools/openapi-gen bin/tools/benchstat ## Build all tools into bin/tools.

clean: ## Remove bin.
	rm -rf bin

bin/tools/kpt: test/tools/kpt/go.mod test/tools/kpt/go.sum
	@echo "building kpt (once, about a minute) ..."
	@CGO_ENABLED=0 go build -C test/tools/kpt -o $(CURDIR)/$@ \
		-ldflags "-X $(KPT)/run.version=$$(go list -C test/tools/kpt -m -f '{{.Version}}' $(KPT))" $(KPT)

$(NODE_TOOLS) &: test/tools/containerd/go.mod test/tools/containerd/go.sum test/tools/containerd/cripull/main.go
	@echo "building containerd (once, about a minute) ..."
	@CGO_ENABLED=0 go build -C test/tools/containerd -o $(CURDIR)/bin/tools/ -ldflags '-s -w' \
		./cripull $$(go list -C test/tools/containerd -f '{{.ImportPath}}' tool)

bin/tools/%: test/tools/go.mod test/tools/go.sum
	@echo "building $* (once, about a minute) ..."
	@CGO_ENABLED=0 go build -C test/tools -o $(CURDIR)/$@ $(TOOL_$*)
