# Outcrop. `make` lists the targets; the two that matter first are demo and test.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED := 0
export GOBIN       := $(CURDIR)/.cache/bin
# Tests that read shared data (protocol vectors, evaluation sets) look here; they skip where it is absent.
export OUTCROP_SHARED ?= $(abspath ../shared)

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

GOLANGCI_VERSION := v2.15.0
GOVULN_VERSION   := v1.1.4
VENV             := .venv
MINILM           ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/outcrop/models/outcrop.embed-v1

##@ First

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build $(VENV)/.ready weights ## start Outcrop on a throw-away folder and use it with boto3 and the AWS CLI
	@scripts/demo.sh

test: build $(VENV)/.ready weights ## install what the tests need and run them all
	@scripts/with-servers.sh go test ./...

build: ## bin/outcrop, static
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/outcrop ./cmd/outcrop

weights: build ## fetch outcrop.embed-v1, without which its tests skip
	@bin/outcrop pull outcrop.embed-v1 || echo "outcrop.embed-v1 could not be fetched: what needs it is left out"

##@ Before a commit

check: drift lint platforms test neon race-quick conformance-smoke ## everything CI runs

lint: $(GOBIN)/golangci-lint ## golangci-lint, gofumpt and goimports
	@$(GOBIN)/golangci-lint run ./...

fmt: $(GOBIN)/golangci-lint ## format in place
	@$(GOBIN)/golangci-lint fmt ./...

gen: ## regenerate internal/gen from the pinned API models, and the engine's assembly
	@go run ./tools/apigen
	@go generate ./internal/engine/kernel

goldens: weights ## regenerate what the references say of the engine's test models (PyTorch and others, in venvs of their own)
	@python3 -m venv .venv/goldens && .venv/goldens/bin/pip install -q -r tools/goldens/requirements.txt
	@.venv/goldens/bin/python tools/goldens/tokens.py internal/engine/token/testdata $(MINILM)
	@.venv/goldens/bin/python tools/goldens/codecs.py internal/engine/token/testdata
	@.venv/goldens/bin/python tools/goldens/patterns.py internal/engine/token/pattern/testdata
	@.venv/goldens/bin/python tools/goldens/bert.py internal/engine/testdata $(MINILM)
	@.venv/goldens/bin/python tools/goldens/gguf_file.py internal/engine/gguf/testdata
	@.venv/goldens/bin/python tools/goldens/templates.py internal/engine/jinja/testdata internal/engine/chat/testdata
	@python3 -m venv .venv/torch && .venv/torch/bin/pip install -q --extra-index-url https://download.pytorch.org/whl/cpu -r tools/goldens/requirements-torch.txt
	@.venv/torch/bin/python tools/goldens/decoder.py internal/engine/arch/testdata/decoder $(wildcard $(OUTCROP_SHARED)/models/stories260k/checkpoint_legacy.bin)

drift: ## fail when generated code differs from what the generator writes
	@go run ./tools/apigen -check

platforms: ## compile for every platform we release
	@for p in $(PLATFORMS); do echo "build $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null ./cmd/outcrop; done

neon: ## the kernels' tests for arm64, under emulation (needs qemu-user)
	@if command -v qemu-aarch64 >/dev/null; then GOARCH=arm64 go test -short -exec qemu-aarch64 ./internal/engine/kernel; \
	 elif [ "$${CI:-}" = true ]; then echo "qemu-user is missing" >&2; exit 1; else echo "no qemu-aarch64: the kernels for arm64 are not tested"; fi

race: ## all tests under the race detector (needs a C compiler)
	@CGO_ENABLED=1 scripts/with-servers.sh go test -race ./internal/...

race-quick: ## the rooms with goroutines under the race detector
	@CGO_ENABLED=1 scripts/with-servers.sh go test -race -short ./internal/gateway/... ./internal/ledger/... ./internal/iam/... ./internal/job/... ./internal/wire/... ./internal/backend/... ./internal/engine/... ./internal/server/...

fuzz: ## every fuzz target for FUZZTIME (default 20s)
	@scripts/fuzz.sh

##@ Proof

conformance: build $(VENV)/.ready conformance/node_modules/.ready ## official and third-party clients against a running Outcrop
	@conformance/run.sh all

conformance-smoke: build $(VENV)/.ready conformance/node_modules/.ready ## boto3, AWS CLI, Go and JS in three minutes
	@conformance/run.sh smoke

eval: ## quality of outcrop.reader-v1 on the public development sets
	@go run ./tools/eval

bench-engine: ## speed of the embedded engine beside llama.cpp and onnxruntime, in one run (BENCH=-quick for minutes)
	@go run ./bench/engine $(BENCH)

bench: build ## gateway speed beside a bare reverse proxy, in one run
	@go run ./bench

soak: ## long failure tests: kill -9 in a loop, thousands of streams
	@OUTCROP_SOAK=1 scripts/with-servers.sh go test -count=1 -timeout 30m ./internal/job/... ./internal/ledger/... ./internal/wire/... ./internal/iam/...

cover: ## coverage by function, in coverage.out
	@scripts/with-servers.sh go test -coverprofile coverage.out ./internal/... && go tool cover -func coverage.out | tail -1

vuln: $(GOBIN)/govulncheck ## known vulnerabilities in what we link
	@$(GOBIN)/govulncheck ./cmd/outcrop

##@ Release

release: ## archives for every platform, checksums and an SBOM, in dist/
	@VERSION=$(VERSION) scripts/release.sh

image: ## container image outcrop:VERSION
	@docker build --build-arg VERSION=$(VERSION) -t outcrop:$(VERSION) .

clean: ## remove what make built
	@rm -rf bin dist coverage.out

# Tools and environments, installed once.

$(GOBIN)/golangci-lint:
	@mkdir -p $(GOBIN) && go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

$(GOBIN)/govulncheck:
	@mkdir -p $(GOBIN) && go install golang.org/x/vuln/cmd/govulncheck@$(GOVULN_VERSION)

$(VENV)/.ready: conformance/requirements.txt
	@python3 -m venv $(VENV) && $(VENV)/bin/pip install -q --disable-pip-version-check -r conformance/requirements.txt && touch $@

conformance/node_modules/.ready: conformance/package.json conformance/package-lock.json
	@cd conformance && npm ci --silent --no-audit --no-fund && touch node_modules/.ready

.PHONY: help demo test build check lint fmt gen drift platforms race race-quick fuzz conformance conformance-smoke eval bench soak weights goldens bench-engine neon cover vuln release image clean
