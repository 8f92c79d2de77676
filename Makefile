# Everything starts here: `make help`.
.DEFAULT_GOAL := help
.PHONY: help demo up test check bench soak lock format clean

ARFLOW_PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_WORKERS ?= 2

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/.installed ## the stack with demo data and a walk through the main job; stays up until Ctrl-C
	@exec $(BIN)/arflow demo

up: $(VENV)/.installed ## the stack in the foreground; says `ready http://…` when everything answers
	@exec $(BIN)/arflow up

test: check ## everything that must hold, on a real stack
	@$(BIN)/python -m stack.prepare
	$(BIN)/pytest -n $(PYTEST_WORKERS) --dist loadgroup

check: $(VENV)/.installed ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed ## the benchmarks; results also in bench/results/
	$(BIN)/python -m bench

soak: $(VENV)/.installed ## the long proofs
	@$(BIN)/python -m stack.prepare
	$(BIN)/pytest -n 0 -m soak --timeout 0

format: $(VENV)/.installed ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The lock files name versions and hashes only, so they serve behind any package index.
lock: $(VENV)/.installed ## resolve the dependencies anew into requirements/
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  -o requirements/runtime.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	  --extra dev -c requirements/runtime.txt -o requirements/dev.txt

clean: ## remove the environment and the caches (not the data in .arflow)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# Installed again when the lock, the project's description or the path of the checkout has changed. What an
# interrupted installation leaves behind has no stamp, and is begun again.
$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@$(ARFLOW_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "arflow needs Python 3.11 or later; set ARFLOW_PYTHON to one" >&2; exit 1; }
	@echo "arflow: installing the environment in $(VENV)" >&2
	@[ -x $(BIN)/python ] || $(ARFLOW_PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@
