# The menu. `make demo` and `make test` set up whatever is missing.

CARGO ?= cargo
# One set of features for all, so that everything is built once.
FEATURES = --locked --features devcluster,cluster-tests
# OpenSSL (git by https and ssh) is compiled from source only where the system has none: that takes minutes.
ifneq ($(shell pkg-config --exists 'openssl >= 3' 2>/dev/null && echo yes),)
export OPENSSL_NO_VENDOR := 1
endif
CACHE = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tidegate
DENY_VERSION = 0.20.2
AXE_VERSION = 4
STATIC = $(shell uname -m)-unknown-linux-musl
AUTHORITIES = /etc/ssl/certs/ca-certificates.crt
AXE = $(CACHE)/axe/node_modules/axe-core/axe.min.js
DENY = $(CACHE)/tools/bin/cargo-deny
MUTANTS_VERSION = 27.1.0
MUTANTS = $(CACHE)/tools/bin/cargo-mutants

.DEFAULT_GOAL := help
.PHONY: help demo test check postgres cluster-tests buildkit browser browser-tests side-by-side fuzz mutants mutants-gate bench bench-plan generate image devcluster deny simulate-seeds mutants-simulator

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Upgrade a real system on a real local control plane, and say what happened (DEMO=--from-git: from a commit)
	$(CARGO) run $(FEATURES) --bin tidegate -- demo $(DEMO)

test: check deny browser-tests cluster-tests ## Everything: format, lints, licences, generated files, all tests, a real browser and control plane included

check: postgres ## What needs neither a cluster nor a network: format, lints, docs, generated files, unit and command tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(FEATURES) -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps $(FEATURES)
	$(CARGO) test --workspace $(FEATURES) --lib --bins --test it --test archive
	$(MAKE) simulate-seeds

# A profile and a set of features of its own, so that this is built once and nothing else is built anew for it.
simulate-seeds: ## Many simulated releases with every fault, SEEDS=10000 from SEED=1; SYSTEM=, SEED=, FAULTS=, JOURNAL=1 for one again
	TIDEGATE_SEEDS=$(or $(SEEDS),10000) SEED=$(SEED) SYSTEM=$(SYSTEM) FAULTS=$(FAULTS) JOURNAL=$(JOURNAL) \
		$(CARGO) test --locked --profile seeds -p tidegate-controller --test seeds

postgres: ## A PostgreSQL for the tests of the archive, installed where it is missing and we are root
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ apt-get update && apt-get install --yes --no-install-recommends postgresql; } >/dev/null; } || \
		echo "the archive is tested on SQLite only: PostgreSQL needs 'initdb' (Debian: 'apt-get install postgresql', as root)"

buildkit: ## What builds by BuildKit are tested with, installed where it is missing and we are root
	@command -v docker-registry >/dev/null && command -v runc >/dev/null && command -v busybox >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ apt-get update && apt-get install --yes --no-install-recommends docker-registry runc busybox-static git; } >/dev/null; } || \
		echo "builds by BuildKit are not tested: they need root, and 'apt-get install docker-registry runc busybox-static git'"

cluster-tests: buildkit ## Tests on the real control plane, which is built from Go modules on first use
	$(CARGO) run --locked -p devcluster --bin devcluster -- build --argo-rollouts --argo-workflows --buildkit --flagger
	$(CARGO) test --workspace $(FEATURES) --test cluster -- --test-threads 4

browser: ## What the page is tested with, installed where it is missing: Chromium (where we are root) and axe-core (where npm is)
	@command -v chromedriver >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		{ apt-get update && apt-get install --yes --no-install-recommends chromium chromium-driver fonts-noto-cjk; } >/dev/null; } || true
	@test -f $(AXE) || { command -v npm >/dev/null && mkdir -p $(CACHE)/axe && \
		npm install --silent --no-audit --no-fund --prefix $(CACHE)/axe axe-core@$(AXE_VERSION); } || true

browser-tests: browser ## The page in Debian's Chromium; needs no cluster, pictures are in target/screenshots
	@if command -v chromedriver >/dev/null && test -f $(AXE); then \
		$(CARGO) test --workspace $(FEATURES) --test browser -- --test-threads 2; \
	else echo "the page is not tested in a browser: needs Chromium (Debian: 'apt-get install chromium chromium-driver', as root) and npm"; fi

side-by-side: ## When kubectl, kstatus and Argo CD say "done" and how many old pods live then, beside tidegate (docs/side-by-side.md)
	@$(CARGO) test $(FEATURES) --test cluster conformance -- --nocapture --test-threads 4 > $(CACHE)/side-by-side.txt || \
		{ cat $(CACHE)/side-by-side.txt; exit 1; }
	@echo "| kind and situation | kubectl | kstatus | Argo CD | tidegate |"; echo "|---|---|---|---|---|"
	@grep "^| " $(CACHE)/side-by-side.txt | sort

fuzz: ## Throw changed files at everything that reads files, SECONDS=600 at each of TARGETS (all at once)
	FUZZ_SECONDS=$(or $(SECONDS),600) FUZZ_TARGETS=$(TARGETS) $(CARGO) test $(FEATURES) --release --test fuzz

# Each part has a folder of its own: begun anew, it goes on with what was not caught yet.
mutants: CRATE ?= planner
mutants: MUTANTS_OUT = target/mutants/$(CRATE)$(subst /,-of-,$(SHARD:%=-%))
mutants: $(MUTANTS) ## Change CRATE=planner in every way that cargo-mutants knows (docs/mutants.md), SHARD=0/16 a part, FILES='…/gate/**' some
	mkdir -p $(MUTANTS_OUT)
	$(MUTANTS) mutants --package tidegate-$(CRATE) $(if $(FILES),--file '$(FILES)') --iterate --timeout 120 \
		$(if $(SHARD),--shard $(SHARD) --sharding round-robin) --output $(MUTANTS_OUT) -- --lib

$(MUTANTS):
	@echo "installing cargo-mutants $(MUTANTS_VERSION) into $(CACHE)/tools (some minutes, once)"
	$(CARGO) install --quiet --locked cargo-mutants@$(MUTANTS_VERSION) --root $(CACHE)/tools

mutants-gate: ## Change the gate in ways that its tests must notice (docs/mutants.md), ONLY=R1 for some of them
	MUTANTS=gate ONLY="$(ONLY)" $(CARGO) test $(FEATURES) --test mutants

mutants-simulator: ## Change what decides, and the loop, in ways that simulated releases must notice (docs/mutants.md), ONLY=M01 for some
	MUTANTS=simulator ONLY="$(ONLY)" $(CARGO) test $(FEATURES) --test mutants

deny: $(DENY) ## Licences and sources of everything that is linked; advisories, where their database can be had
	$(DENY) --all-features check --hide-inclusion-graph licenses bans sources
	@if $(DENY) fetch db >/dev/null 2>&1; then $(DENY) --all-features check advisories; \
	else echo "advisories: their database cannot be reached from here; not checked"; fi

$(DENY):
	@echo "installing cargo-deny $(DENY_VERSION) into $(CACHE)/tools (some minutes, once)"
	$(CARGO) install --quiet --locked cargo-deny@$(DENY_VERSION) --root $(CACHE)/tools

bench: bench-plan ## What planning costs, then what tidegate costs a release: makespan, gate latency, memory, requests
	$(CARGO) bench $(FEATURES) --bench release

bench-plan: ## What planning costs at five sizes, beside a plain topological sort: time and memory
	$(CARGO) bench --locked -p tidegate-planner --bench plan

generate: ## Write crds/, the Helm chart and the snapshots of command output anew
	$(CARGO) run --locked --quiet --bin tidegate -- crds > crds/tidegate.yaml
	$(CARGO) run --locked --quiet --bin tidegate -- install --chart deploy/chart
	INSTA_UPDATE=always $(CARGO) test $(FEATURES) --lib --test it

image: ## The controller as one static program in target/image, ready to be built into an image
	rustup target add $(STATIC) 2>/dev/null
	@command -v musl-gcc >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq musl-tools; } || \
		{ echo "a static program needs musl-gcc: apt-get install musl-tools" >&2; exit 1; }
	env -u OPENSSL_NO_VENDOR $(CARGO) build --release --locked --bin tidegate --target $(STATIC)
	mkdir -p target/image && cp target/$(STATIC)/release/tidegate target/image/ && cp $(AUTHORITIES) target/image/ca-certificates.crt
	@echo "build it with:  docker build --tag registry.example/tidegate:0.1.0 --file deploy/Dockerfile target/image"

devcluster: ## A local control plane until Ctrl-C
	$(CARGO) run --locked -p devcluster --bin devcluster -- up
