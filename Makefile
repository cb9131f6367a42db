# Everything a person types. Each target installs what it needs; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster build web types test test-full test-faults test-rust compose alerts autobahn fuzz lint deny bench services services-down clean

CARGO ?= cargo
RELEASE := target/release/madang

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: build ## Build everything and run a live demo (needs Rust, Node and a C compiler)
	$(RELEASE) demo $(DEMO_ARGS)

demo-cluster: FEATURES = all-engines
demo-cluster: build ## The demo on a site of twelve processes and all engines (on Debian: installs them)
	scripts/demo-cluster $(DEMO_ARGS)

build: web ## Build the web UI and the release binary (FEATURES=s3: with the client of that engine)
	$(CARGO) build --release -p madang --locked $(if $(FEATURES),--features $(FEATURES))

web: web/dist/index.html ## Build the web UI

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/openapi.json web/vite.config.ts -type f -not -name generated.ts 2>/dev/null)
	cd web && npm run build

types: ## Write the OpenAPI document anew; the web UI's build makes its types of it
	$(CARGO) run -q -p madang -- openapi > web/openapi.json.new && mv web/openapi.json.new web/openapi.json

test: ## Install what the tests need, then run every test
	scripts/test

test-full: ## Run the whole-application suite on every set of engines, then every fault
	scripts/test-full

test-faults: ## Break every engine and process under load, as long and as hard as the promises say; what it has cost
	scripts/test-faults

test-rust: web ## Run the Rust tests only (on SQLite, and on the engines that `make services` has named)
	$(CARGO) test --workspace --features madang/all-engines --locked
	$(CARGO) test -p doorbell --features loom --locked

compose: ## Hold deploy/compose.yaml to what runs here and to the settings
	@scripts/s3-for-tests fetch
	@.cache/python/bin/python scripts/check-compose

alerts: ## Check the alert rules, and play to them what they are for
	scripts/check-alerts

autobahn: ## Run the cases of the Autobahn test suite against our WebSocket
	@[ -x .cache/python/bin/python ] || python3 -m venv .cache/python
	@.cache/python/bin/python -c 'import kosoku' 2>/dev/null || .cache/python/bin/pip install -q 'kosoku==0.1.0'
	@$(CARGO) build -q -p gateway --example echo --locked
	@.cache/python/bin/python scripts/autobahn

fuzz: ## Fuzz every parser for ten minutes each
	MADANG_FUZZ_SECONDS=600 $(CARGO) test --locked -p media -p gateway --test fuzz -- --nocapture --test-threads=2

lint: ## Formatting, lints, house rules
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy -p engines -p madang --features madang/all-engines --all-targets --locked -- -D warnings
	$(CARGO) clippy -p doorbell --features loom --all-targets --locked -- -D warnings

deny: ## Licences and sources of all dependencies
	@command -v cargo-deny >/dev/null || $(CARGO) install cargo-deny --locked
	@# Also what only other systems need: nothing may be looked up later.
	$(CARGO) fetch --locked --quiet
	cargo-deny --offline --log-level error check licenses bans sources

bench: build ## Measure against peers; writes docs/benchmarks.md (ONLY="realtime engines": those sections alone)
	python3 scripts/bench $(ONLY)

services: ## Start every engine on this machine; eval "$(make -s services)" names them (PostgreSQL, Redis, Kafka, Cassandra, S3)
	@scripts/services start

services-down: ## Stop them, and forget what they hold
	@scripts/services stop

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf web/dist web/node_modules
