# The two that matter are `make demo` and `make test`. `make` alone lists them all.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test soak fuzz audit bench

DATA ?= demo-data
LISTEN ?= 127.0.0.1:8642
ARGS ?=

help: ## Show this list
	@printf '\n  Carryover\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  \033[1mmake %-6s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  Options go behind: make demo LISTEN=0.0.0.0:8642\n\n'

demo: ## Build both programs and serve the demo district (DATA, LISTEN, ARGS)
	cargo build --locked --profile quick --package server --package client-sdk --bins
	"$${CARGO_TARGET_DIR:-target}/quick/carryover" demo --listen "$(LISTEN)" --data "$(DATA)" $(ARGS)

test: ## Check everything; sets up what it needs beyond cargo and a C compiler
	@tests/scripts/check.sh

soak: ## Run every test over and over, the long ones too (MINUTES=60 ROUNDS=200 DAMAGE_ROUNDS=20000)
	@MINUTES="$(MINUTES)" ROUNDS="$(ROUNDS)" DAMAGE_ROUNDS="$(DAMAGE_ROUNDS)" tests/scripts/soak.sh

fuzz: ## Run the property tests with many more cases, and the fuzz targets (CASES=100000, ONLY=filter, FUZZ_SECONDS=600)
	@CASES="$(CASES)" ONLY="$(ONLY)" FUZZ_SECONDS="$(FUZZ_SECONDS)" tests/scripts/fuzz.sh

audit: ## Check licences and advisories; fetches the advisory database
	@tests/scripts/audit.sh

bench: ## Show the speed budgets, each as a ratio measured in the same run (ARGS)
	cargo build --locked --release --package server --bin carryover
	cargo bench --locked --package tests --features bench --bench budgets -- $(ARGS)
