# TelemetryFlow. `make run` starts everything; `make test` tests everything.

# One set of build flags for OCB, our programs and the tests, so that they share
# one compile cache. Only the race detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false
LDFLAGS := -s -w

TOOLS := bin/tools
BUILDER := $(TOOLS)/builder
LINT := $(TOOLS)/golangci-lint
TELEMETRYGEN := $(TOOLS)/telemetrygen
SQLC := $(TOOLS)/sqlc
SQLC_VERSION := v1.31.1 # not in tools/go.mod: it would raise what the others are built with
CYCLONEDX_VERSION := v1.10.0
GOVULNCHECK_VERSION := v1.9.0

# Packages whose tests may run under the race detector: all but those that start
# the real programs, which are built without it.
RACE_PACKAGES = $$(go list ./... | grep -vE '/(test|bench)/|/internal/localstack')

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup build ## Set up, build and start the whole system on this machine
	bin/telemetryflow up

.PHONY: setup
setup: ## Install what is missing: PostgreSQL, Redis, libchdb
	scripts/setup.sh tools services libchdb

.PHONY: setup-test
setup-test: ## Install what the tests need besides: nginx, a browser, an identity provider, TypeScript
	scripts/setup.sh tools services libchdb nginx browser oidc typescript

.PHONY: build
build: bin/telemetryflow collector ## Build telemetryflow and telemetryflow-collector into bin/

.PHONY: bin/telemetryflow
bin/telemetryflow:
	go build -ldflags '$(LDFLAGS)' -o $@ ./cmd/telemetryflow

.PHONY: collector
collector: $(BUILDER)
	scripts/build-collector.sh $(BUILDER) '$(LDFLAGS)'

$(BUILDER): tools/go.mod tools/go.sum
	go build -C tools -ldflags '$(LDFLAGS)' -o ../$(BUILDER) go.opentelemetry.io/collector/cmd/builder

$(LINT): tools/go.mod tools/go.sum
	go build -C tools -ldflags '$(LDFLAGS)' -o ../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(TELEMETRYGEN): tools/go.mod tools/go.sum
	go build -C tools -ldflags '$(LDFLAGS)' -o ../$(TELEMETRYGEN) github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen

$(SQLC):
	GOBIN=$(abspath $(TOOLS)) go install -ldflags '$(LDFLAGS)' github.com/sqlc-dev/sqlc/cmd/sqlc@$(firstword $(SQLC_VERSION))

.PHONY: test
test: setup-test build $(TELEMETRYGEN) ## Set up, build and run every test
	go test -timeout 20m ./...

.PHONY: test-race
test-race: setup-test ## Run our packages' tests under the race detector
	scripts/setup.sh compiler
	CGO_ENABLED=1 go test -race -timeout 25m $(RACE_PACKAGES)

.PHONY: hammer
hammer: setup-test ## Use everything that counts once 100 times at once, in 100 rounds, under the race detector
	scripts/setup.sh compiler
	CGO_ENABLED=1 go test -race -count=1 -timeout 60m -v -run '^TestOnce' ./queryserver/auth -once.rounds 100

.PHONY: e2e
e2e: setup-test build $(TELEMETRYGEN) ## Send 200,000 items through the real programs and count them
	go test -count=1 -timeout 10m -v ./test/e2e

# The campaigns break the system with the real programs; docs/reliability.md. Results are
# kept in CHAOS_STATE, where a campaign goes on: KILLS is the total.
KILLS ?= 500
CHAOS_STATE ?= .data/chaos
CHAOS = go test -count=1 -timeout 0 -parallel 1 -v ./test/chaos -chaos.state $(abspath $(CHAOS_STATE)) -chaos.rate 15000
# The table comes in any case, and the failure after it.
CHAOS_REPORT = status=$$?; go run ./test/chaos/report $(CHAOS_STATE) && exit $$status

.PHONY: chaos
chaos: setup-test build ## Break the system in every way, KILLS times, and count what is lost or doubled
	$(CHAOS) -skip '^(TestOutage|TestOverload)$$' -chaos.kills $(KILLS) -chaos.fault 10s -chaos.knownbad all; $(CHAOS_REPORT)

.PHONY: chaos-outage
chaos-outage: setup-test build ## Ten minutes without ClickHouse at 2,000 items/s, three restarts of the collector
	$(CHAOS) -run '^TestOutage$$' -chaos.outage 10m; $(CHAOS_REPORT)

.PHONY: chaos-overload
chaos-overload: setup-test build ## Five minutes of overload with a stock SDK and a stock collector as clients
	$(CHAOS) -run '^TestOverload$$' -chaos.overload 5m; $(CHAOS_REPORT)

.PHONY: bench
bench: bench-auth bench-encode ## Run the benchmarks of hot paths

.PHONY: bench-auth
bench-auth: setup-test bin/telemetryflow ## What an API key costs per request, and logins and callers of the API
	go test -run '^$$' -bench Authenticate ./extension/apikeyauthextension
	go run ./bench/auth $(AUTH)

.PHONY: bench-encode
bench-encode: ## What it costs to encode an item, beside row append through clickhouse-go
	go run ./exporter/tenantclickhouseexporter/internal/encodebench

.PHONY: bench-ingest
bench-ingest: setup build ## OTLP to stored rows, beside the upstream exporter (INGEST=flags)
	go run ./bench/ingest $(INGEST)

.PHONY: sbom
sbom: ## Write what the programs are made of to bin/sbom.json (CycloneDX)
	go run github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION) mod -json -licenses -output bin/sbom.json

.PHONY: vulncheck
vulncheck: ## Fail for known vulnerabilities that our code reaches; asks vuln.go.dev
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: lint
lint: $(LINT) ## Run the linters
	$(LINT) run ./...

.PHONY: fmt
fmt: $(LINT) ## Format the code
	$(LINT) fmt ./...

.PHONY: generate
generate: $(SQLC) ## Regenerate go.mod's sums, the golden files and the code of SQL
	$(SQLC) generate -f queryserver/postgres/sqlc.yaml
	go mod tidy
	go mod tidy -C tools
	UPDATE_GOLDEN=1 go test -count=1 -run Golden ./internal/migrate ./queryserver/mail

.PHONY: verify
verify: $(BUILDER) $(SQLC) ## Fail when generated files or the version set have drifted
	$(SQLC) diff -f queryserver/postgres/sqlc.yaml
	scripts/verify.sh
