# leadtrace: every target works alone on a machine that has Python 3.11, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test lint bench torture lock browser clean

help: ## Show what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Fill .venv with leadtrace and everything it needs

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "leadtrace needs Python 3.11 or newer; name one with: make PYTHON=python3.11 install")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## Start leadtrace and a small martech stack, send leads, print the address
	$(BIN)/leadtrace demo

test: install browser ## Run every test: real engine, real HTTP, real browser
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

browser: install ## Find a Chromium for the browser tests, or install one when root
	@$(BIN)/python tests/find_browser.py --install

lint: install ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## Measure side by side; see docs/benchmarks.md
	$(BIN)/python -m benchmarks

torture: install ## The long versions: hundreds of kills, fuzzing for minutes
	LEADTRACE_TORTURE=long $(BIN)/python -m pytest -m torture --timeout 3600

lock: install ## Rewrite requirements.lock from pyproject.toml
	$(BIN)/pip-compile -q --upgrade --extra demo --extra dev --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-emit-trusted-host --no-emit-options --strip-extras --allow-unsafe \
	  -o requirements.lock pyproject.toml

clean: ## Remove what the targets made
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info .demo
