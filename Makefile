# Everything works from a fresh clone: each target first brings .venv up to date (infra/setup/environment.py).
# ARGS are passed on: make run ARGS="--for 60s --json", make test ARGS="tests/unit -k units".

.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
# Two processes share the tests (tests/scheduling.py); PARALLEL= runs them in one, for a debugger.
PARALLEL ?= --numprocesses 2 --dist loadscope --no-loadscope-reorder
# A stack is seven processes, and a test may start several stacks: what each has compiled the next one need not.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run setup setup-dev browser screenshots test check gates format-check lint types mypy pyright imports dependencies dead-code chaos bench format docs kafka-lock clean clean-data

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	@$(PYTHON) infra/setup/environment.py run

setup-dev:
	@$(PYTHON) infra/setup/environment.py dev

run: setup ## Start everything on this machine and show it live; Ctrl-C stops it, the data stay in var/
	@exec $(BIN)/synergy up $(ARGS)

browser:
	@$(PYTHON) infra/setup/environment.py browser

test: setup-dev browser ## Run the tests: unit, property, contract, browser and end to end, on a real Kafka and ClickHouse engine
	@exec $(BIN)/pytest $(PARALLEL) $(ARGS)

check: setup-dev ## Run every gate, two at a time, then the tests: what CI runs
	@$(MAKE) --no-print-directory --jobs 2 gates
	@$(MAKE) --no-print-directory test

gates: pyright mypy dead-code format-check lint imports dependencies

format-check: setup-dev ## Check that the code is formatted
	$(BIN)/ruff format --check --quiet .

lint: setup-dev ## Check the rules of pyproject.toml with ruff
	$(BIN)/ruff check --quiet .

types: mypy pyright ## Check the types with mypy and pyright, both strict

mypy: setup-dev
	$(BIN)/mypy

pyright: setup-dev
	$(BIN)/pyright

imports: setup-dev ## Check that layers point down and the core stays pure
	$(BIN)/lint-imports --no-logo

dependencies: setup-dev ## Check that what is imported is declared, and the other way round
	$(BIN)/deptry . --no-ansi

dead-code: setup-dev ## Look for code that nothing uses
	$(BIN)/vulture

chaos: setup-dev ## Let faults loose on a real stack and compare every hop: CHAOS_ROUNDS=34, ARGS="--seed 7"
	@exec $(BIN)/python -m tests.chaos $(if $(CHAOS_ROUNDS),--rounds $(CHAOS_ROUNDS)) $(ARGS)

bench: setup-dev browser ## Measure against the bars; writes var/bench/results.json
	@exec $(BIN)/python -m bench $(ARGS)

format: setup-dev ## Format the code and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup-dev ## Refresh the generated pages: settings, metrics, commands, topics
	$(BIN)/python -m docs.generate

screenshots: setup-dev browser ## Refresh docs/screenshots from a demonstration that is started for it
	@exec $(BIN)/python -m docs.screenshots $(ARGS)

kafka-lock: setup-dev ## Resolve the jgo.toml of the broker and of the Kafka Streams benchmark into their lock files again
	cd infra/kafka && ../../$(BIN)/jgo --resolver python lock
	cd bench/engines/kafka_streams && ../../../$(BIN)/jgo --resolver python lock

clean: ## Remove .venv and the tools' caches; keeps var/ with its data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

clean-data: ## Remove var/: every event, match and log of the embedded stack
	rm -rf var
