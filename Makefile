# Everything starts here: `make help`.
.DEFAULT_GOAL := help
.PHONY: help demo up test check docs bench soak lock format clean environment

ARFLOW_PYTHON ?= python3
BIN := .venv/bin
PYTEST_WORKERS ?= 2
RESOLVE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet

help: ## say what there is
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: environment ## the stack with demo data and a walk through the main job; stays up until Ctrl-C
	@exec $(BIN)/arflow demo

up: environment ## the stack in the foreground; says `ready http://…` when everything answers
	@exec $(BIN)/arflow up

test: check ## everything that must hold, on a real stack
	@$(BIN)/python -m stack.prepare
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: environment ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry .
	$(BIN)/python -m tests.house

docs: environment ## write the pages that follow from others: roles, events, exceptions, the codes of fields, the index of decisions
	@$(BIN)/python -m cli.reference

bench: environment ## the benchmarks; results also in bench/results/
	@$(BIN)/python -m bench

soak: environment ## the long proofs: million-row imports, the production shape under faults, payments under repeated kills, mistakes that tests must see
	@$(BIN)/python -m stack.prepare soak
	$(BIN)/pytest -m soak --timeout 0 $(PYTEST_ARGS)

format: environment ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The lock files name versions and hashes, no addresses, so they serve behind any package index.
lock: environment ## resolve the dependencies anew into requirements/
	$(RESOLVE) --upgrade --extra pdf --extra tracing -o requirements/runtime.txt
	$(RESOLVE) --upgrade --extra pdf --extra tracing --extra embedded --extra dev -c requirements/runtime.txt -o requirements/dev.txt

clean: ## remove the environment and the caches (not the data in .arflow)
	rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

environment:
	@$(ARFLOW_PYTHON) stack/install.py
