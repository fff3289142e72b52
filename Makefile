# Latchkey's commands. `make help` lists them.
# A step runs only when what it reads has changed, and prints one line that starts with ==>.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PORT ?= 8787
STATE ?= .wrangler/state
export PORT STATE

# The most that the Worker may weigh, gzipped.
WASM_GZIP_LIMIT_KIB ?= 1000

export WASM_OPT_BIN ?= $(CURDIR)/node_modules/.bin/wasm-opt

# npm's node goes first: wrangler needs 22, and the machine's may be 20.
MACHINE_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/.tools/bin:$(PATH)

WASM := build/latchkey.wasm
# What rustc uses, and workerd has; named one by one so that binaryen adds nothing newer.
WASM_FEATURES := --enable-simd --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int \
	--enable-bulk-memory --enable-multivalue --enable-reference-types --enable-exception-handling
# What weighs least gzipped (docs/decisions/0032).
WASM_PASSES := --reorder-functions-by-name -Os --one-caller-inline-max-function-size=20 --skip-pass=memory-packing \
	--skip-pass=local-cse
NPM := node_modules/.package-lock.json
# Folders are listed too: their time changes when a file is added or removed.
SOURCES := Cargo.toml Cargo.lock rust-toolchain.toml docs/openapi.json $(wildcard build.rs .cargo/config.toml) \
	$(shell find src crates/scim/Cargo.toml crates/scim/src crates/scim/schema crates/host schema worker)

CARGO_FUZZ := .tools/cargo-fuzz-0.13.2
CARGO_DENY := .tools/cargo-deny-0.20.2

.PHONY: run test test-long build bench screenshots check fuzz deny deploy-check lint layers help clean prerequisites wasm-target chromium

run: $(WASM) ## everything from nothing, then the Worker on http://127.0.0.1:8787 (PORT=, STATE= override)
	@exec node scripts/dev.mjs

test: $(WASM) chromium ## everything from nothing, then every test: native, against workerd, in a browser
	@scripts/test.sh

test-long: $(WASM) ## jobs of ten thousand users whose Worker is killed, six minutes
	@node --disable-warning=ExperimentalWarning --test --test-reporter=spec --test-timeout=600000 'tests/e2e/long/*.test.mjs'

build: $(WASM) ## the deployable Worker in build/
	@node scripts/wasm-size.mjs $(WASM) $(WASM_GZIP_LIMIT_KIB)

bench: $(WASM) ## the benchmarks, two tables; QUICK=1 in two minutes; BASELINE=DIR beside another built Worker
	@node scripts/bench.mjs $(WASM) $(WASM_GZIP_LIMIT_KIB)
	@node --disable-warning=ExperimentalWarning scripts/bench/edge.mjs $(if $(QUICK),1 2,5 3)

# One after another, also under -j: what fails fastest goes first.
check: export FUZZ_SECONDS ?= 5
check: ## what CI runs, in the order in which it fails fastest
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory layers
	@$(MAKE) --no-print-directory deny
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory deploy-check

fuzz: $(CARGO_FUZZ) | prerequisites ## each fuzz target for FUZZ_SECONDS (20); FUZZ_TARGETS names some
	@scripts/fuzz.sh $(FUZZ_TARGETS)

deny: $(CARGO_DENY) | prerequisites ## licences, bans, duplicates, sources and advisories of the crates
	@echo "==> cargo deny"
	@scripts/deny.sh

deploy-check: $(WASM) ## what `wrangler deploy` would upload, without uploading it
	@echo "==> wrangler deploy --dry-run"
	@scripts/deploy-check.sh

screenshots: $(WASM) chromium ## pictures of the console's pages, into docs/screenshots/
	@echo "==> screenshots"
	@node --disable-warning=ExperimentalWarning scripts/screenshots.mjs

lint: | prerequisites wasm-target ## formatting and clippy, native and wasm
	@echo "==> cargo fmt --check"
	@cargo fmt --check -- -l
	@echo "==> cargo clippy, native, with the command-line tool"
	@cargo clippy --quiet --workspace --exclude latchkey-worker --all-targets -- -D warnings
	@echo "==> cargo clippy, wasm"
	@cargo clippy --quiet --workspace --exclude latchkey-cli --lib --target wasm32-unknown-unknown -- -D warnings

layers: | prerequisites ## the rooms' imports, the docs' paths, the migrations' numbers
	@echo "==> layers and migrations"
	@cargo test --quiet --test layers --test migrations

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

clean: ## removes all that make has made, the local database included
	@echo "==> clean"
	@rm -rf build target fuzz/target fuzz/found fuzz/artifacts node_modules .tools .wrangler

prerequisites:
	@scripts/prerequisites.sh

wasm-target: | prerequisites
	@scripts/wasm-target.sh

chromium:
	@scripts/chromium.sh

# Not `npm ci`: it refuses a lock file that lacks other systems' optional packages, and a registry mirror may not carry
# those. --no-save installs what the lock file says and leaves it alone. The machine's node runs it: npm may replace ours.
$(NPM): package.json package-lock.json .npmrc | prerequisites
	@echo "==> npm packages"
	@PATH="$(MACHINE_PATH)" npm install --no-save --loglevel=error
	@touch $@

# Compiled without optimization: four times faster, and it costs a build of the Worker a second.
INSTALL := CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --quiet --locked --root .tools

$(CARGO_FUZZ): | prerequisites
	@echo "==> $(notdir $@) (compiled once, a minute)"
	@$(INSTALL) --version $(@:.tools/cargo-fuzz-%=%) cargo-fuzz
	@touch $@

$(CARGO_DENY): | prerequisites
	@echo "==> $(notdir $@) (compiled once, a minute or two)"
	@$(INSTALL) --version $(@:.tools/cargo-deny-%=%) cargo-deny
	@touch $@

$(WASM): $(SOURCES) $(NPM) | wasm-target
	@echo "==> Worker (cargo build --release)"
	@cargo build --quiet --release --package latchkey-worker --target wasm32-unknown-unknown
	@mkdir -p build
	@cp src/edge/entry.js src/edge/host.js build/
	@node scripts/assets.mjs
	@echo "==> wasm-opt -Os"
	@$(WASM_OPT_BIN) $(or $(CARGO_TARGET_DIR),target)/wasm32-unknown-unknown/release/latchkey_worker.wasm -o $@ $(WASM_PASSES) --strip-debug --strip-producers $(WASM_FEATURES)
