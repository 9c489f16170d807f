# Everything a person or a machine runs on this repository. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# rustup puts cargo here; a shell that was opened before doesn't know yet.
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: help setup web pictures build demo test bench bench-quick fuzz clean

help: ## Say what can be run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building, testing and the demo need (Debian 12)
	@deploy/setup.sh

web: ## Build the dashboard
	@deploy/web.sh

pictures: ## Make the pictures of the dashboard that the README shows
	@deploy/setup.sh --test
	@deploy/web.sh pictures

build: web ## Build both programs for use, the dashboard in one of them
	cargo build --release -p recorder -p api

demo: ## Record a small shop's traffic and ask about it
	@deploy/setup.sh --demo
	@$(MAKE) --no-print-directory build
	@deploy/demo.sh

test: ## Format, lints, every test: what .ci/run runs
	@deploy/setup.sh --test
	@deploy/web.sh
	@deploy/test.sh

bench: ## Measure against tcpdump, dumpcap, tshark, zstd and DuckDB (about 45 minutes)
	@deploy/setup.sh --test
	@$(MAKE) --no-print-directory build
	@bench/run.py

bench-quick: ## The same on a small capture, to see that it runs
	@$(MAKE) --no-print-directory build
	@bench/run.py --quick

fuzz: ## Fuzz every dissector and KFL, FUZZ_SECONDS each (60), with cargo-fuzz on nightly
	@deploy/fuzz.sh

clean: ## Remove what was built and recorded by the demo and the benches
	cargo clean
