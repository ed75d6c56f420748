# The menu. `make demo` and `make test` set up whatever is missing.

CARGO ?= cargo
FEATURES = --features devcluster

.DEFAULT_GOAL := help

.PHONY: help demo test check bench generate devcluster deny tools

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Upgrade a real system on a real local control plane, and say what happened
	$(CARGO) run --locked $(FEATURES) --bin tidegate -- demo $(DEMO)

test: check cluster-tests ## Everything: format, lints, generated files, all tests, the real control plane included

check: ## What needs no cluster: format, lints, docs, generated files, licences, unit and command tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked --features devcluster,cluster-tests -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --features devcluster
	$(CARGO) run --locked --quiet -p devcluster --bin devcluster -- licences deny.toml || true
	$(CARGO) test --workspace --locked --features devcluster

cluster-tests: ## Tests on the real control plane, built on first use
	$(CARGO) run --locked -p devcluster --bin devcluster -- build --argo-rollouts
	$(CARGO) test --workspace --locked --features devcluster,cluster-tests --test cluster -- --test-threads 4

bench: ## Ratios of the demo release: makespan, gate latency, memory, requests
	$(CARGO) bench --locked $(FEATURES) --bench release

generate: ## Write crds/ and the snapshots of command output anew
	$(CARGO) run --locked --quiet -- crds > crds/tidegate.yaml
	INSTA_UPDATE=always $(CARGO) test --workspace --locked

devcluster: ## A local control plane until Ctrl-C
	$(CARGO) run --locked -p devcluster --bin devcluster -- up
