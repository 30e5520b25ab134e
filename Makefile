# Needs make and Python 3.11 or later; everything else is fetched into .venv from the lock files.
PYTHON ?= python3
VENV ?= .venv
ARGS ?=

bin := $(VENV)/bin
code := aggregates commands projections service tests wsgi.py
# One stamp per interpreter: another PYTHON gets a fresh environment, the same one is ready at once.
venv := $(VENV)/.made-by-$(notdir $(PYTHON))
runtime := $(VENV)/.runtime
dev := $(VENV)/.dev
pip := $(bin)/python -m pip --quiet --quiet --disable-pip-version-check
compile := $(bin)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock"

.DELETE_ON_ERROR:
.PHONY: check help demo test lint types contracts catalogue catalogue-check format \
	bench torture tamper lock upgrade clean

check: lint types contracts $(if $(wildcard CATALOGUE.md),catalogue-check) test ## Everything CI runs (the default)

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.13 chooses the interpreter, ARGS='…' is handed on to the command."

demo: $(runtime) ## Replay real papers into a ledger, verify it, serve it (ARGS=--no-serve: only check)
	$(bin)/wenxiao demo $(ARGS)

test: $(dev) ## Run the tests
	$(bin)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(dev) ## Style
	$(bin)/ruff check $(code)
	$(bin)/ruff format --check $(code)

format: $(dev) ## Mend what lint can mend
	$(bin)/ruff check --fix $(code)
	$(bin)/ruff format $(code)

types: $(dev) ## Types, strictly
	$(bin)/mypy

contracts: $(dev) ## Imports go one way
	$(bin)/lint-imports --no-logo

catalogue: $(dev) ## Write CATALOGUE.md: every act, rule, fact and route
	$(bin)/wenxiao acts > $(VENV)/CATALOGUE.md
	mv $(VENV)/CATALOGUE.md CATALOGUE.md

catalogue-check: $(dev) ## Is CATALOGUE.md what the code says?
	$(bin)/wenxiao acts > $(VENV)/CATALOGUE.md
	diff -u CATALOGUE.md $(VENV)/CATALOGUE.md

bench: $(dev) ## Measure against peers, as a table
	$(bin)/python -m tests.bench $(ARGS)

torture: $(dev) ## Kill servers, fill disks, cut connections; nothing may be lost
	$(bin)/python -m pytest -m torture $(ARGS)

tamper: $(dev) ## Change a sealed ledger at random, thousands of times; all must be found
	$(bin)/python -m tests.tamper $(ARGS)

lock: $(dev) ## Lock what pyproject.toml asks for, moving as little as possible
	$(compile) --extra build pyproject.toml --output-file requirements.lock $(ARGS)
	$(compile) --extra build --extra dev --constraint requirements.lock pyproject.toml \
		--output-file requirements-dev.lock $(ARGS)

upgrade: ## Lock the newest versions that pyproject.toml allows
	$(MAKE) lock ARGS=--upgrade

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(code) -name __pycache__ -type d -prune -exec rm -rf {} +

$(venv):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Wenxiao needs Python 3.11 or later, which '$(PYTHON)' is not."; \
		echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; } >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(runtime): $(venv) requirements.lock pyproject.toml
	$(call install,requirements.lock)

$(dev): $(venv) requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)

# Nothing but what the lock names: hashes for all of it, and our own code builds without the network.
define install
@echo "Installing $(1) into $(VENV) …" >&2
@$(pip) install --require-hashes --only-binary :all: --requirement $(1)
@$(pip) install --no-index --no-deps --no-build-isolation --editable .
@touch $@
endef
