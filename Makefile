# gardener's helpers link only without cgo, and what ships is static.
export CGO_ENABLED := 0

# How long each benchmark and each fuzz target runs.
BENCHTIME ?= 1s
FUZZTIME ?= 30s
# How often a scenario kills the controller; how many Shoots bench-controller has, and how often it reconciles them again.
KILLS ?= 10
SHOOTS ?= 1000
PASSES ?= 10

API := functions/api
CONTROLLER := bin/gardener-extension-registry-cache bin/gardener-extension-registry-cache-admission

.PHONY: help build test test-node test-integration test-chaos figures lint bench bench-controller bench-cache fuzz demo images generate tools clean FORCE
.DELETE_ON_ERROR:

help: ## List the targets (default).
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

include test/tools/tools.mk test/cluster/cluster.mk

build: bin/registry-cache-fn bin/registry-cache $(CONTROLLER) ## Build the function, the cache, and Gardener's extension and admission into bin.

bin/registry-cache-fn bin/registry-cache $(CONTROLLER): FORCE
	go build -trimpath -ldflags '-s -w' -o $@ ./$(wildcard */cmd/$(@F))

test: bin/registry-cache-fn $(TEST_TOOLS) ## Run all tests that need nothing but Go and git, with the real kustomize, kpt and promtool.
	go test ./...

test-node: bin/registry-cache $(NODE_TOOLS) ## Run the tests of a node, with real containerds in network namespaces (needs root and says what else).
	go test -tags node -count 1 -parallel 60 -timeout 15m ./scripts # these wait most of the time
	go test -tags node -count 1 -parallel 8 -timeout 15m ./test/node ./test/nodeimages ./controller/images ./cache/keeper

test-integration: $(CONTROLLER) $(CLUSTER_TOOLS) ## Run the Gardener extension against a real API server and resource-manager, on loopback (needs root).
	go test -tags integration -count 1 ./test/cluster && go test -tags integration -count 1 -timeout 30m ./test/integration -args -kills $(KILLS)

test-chaos: $(CONTROLLER) $(CLUSTER_TOOLS) ## Kill the controller 100 times at random points, and look at the end state each time.
	go test -tags integration -count 1 -timeout 60m -run '^TestKilled' ./test/integration -args -kills 100

figures: $(NODE_TOOLS) ## Print what a dead cache costs a pull, with and without the guard, and what the guard costs (4 minutes).
	@go test -C test/node -tags node -count 1 -parallel 20 -timeout 15m -run '^(TestFigures|TestGuardCost)$$' -figures

lint: bin/tools/golangci-lint ## Check Go code and shell scripts.
	bin/tools/golangci-lint run --build-tags node,integration,e2e # each tag only adds files
	@command -v shellcheck >/dev/null || { echo "make lint needs shellcheck: apt-get install shellcheck" >&2; exit 1; }
	shellcheck .ci/run $$(git ls-files --cached --others --exclude-standard '*.sh')

bench: bin/registry-cache-fn $(TEST_TOOLS) ## Run all benchmarks, each for BENCHTIME (1s).
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-controller: $(CONTROLLER) $(CLUSTER_TOOLS) ## Measure the extension with 1,000 Shoots of 5 caches (fewer: SHOOTS=50 PASSES=3).
	@go run ./test/scale -shoots $(SHOOTS) -caches 5 -passes $(PASSES)

bench-cache: bin/registry-cache bin/tools/registry ## Compare the cache to distribution's registry (3 minutes; CACHEBENCH=-short).
	@go run ./test/cachebench $(CACHEBENCH)

fuzz: ## Run each fuzz target for FUZZTIME (30s).
	@test/fuzz.sh $(FUZZTIME)

demo: ## Render a RegistryConfig and pull an image twice through the cache it describes.
	@go run ./test/demo

images: ## Write OCI layouts of all images (or IMAGES) into bin/images, without a daemon; the node helper needs Debian's apt-get and dpkg-deb.
	@go run ./controller/images/build -version "$$(git describe --tags --always --dirty)" \
		-revision "$$(git rev-parse HEAD)" -created "$$(git log -1 --format=%ct)" $(IMAGES)

generate: bin/tools/openapi-gen ## Make the schemas, the KRMFunctionDefinitions and Gardener's registration objects.
	bin/tools/openapi-gen --output-dir $(API)/openapi --output-pkg github.com/registry-cache/registry-cache/$(API)/openapi \
		--output-file zz_generated.openapi.go --report-filename /dev/null \
		./$(API)/registry/... ./$(API)/mirror/... ./$(API)/functions/...
	go run ./$(API)/openapi/generate $(API)
	go run ./controller/charts/generate controller/charts

tools: $(TEST_TOOLS) $(E2E_TOOLS) bin/tools/golangci-lint bin/tools/openapi-gen bin/tools/benchstat ## Build all tools into bin/tools.

clean: ## Remove bin.
	rm -rf bin
