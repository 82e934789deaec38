# midwatch: `make demo` shows it on a small production of real servers, `make test` proves it. Neither installs
# anything outside this folder and the user's cache.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Without bytecode every start of Textual costs four times as long; some containers switch it off.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo terminal run test check bench screenshots servers clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-20s %s\n", $$1, $$2 }'

demo: terminal $(VENV)/.demo  ## the dashboard on a small production of real servers on loopback
	@$(BIN)/midwatch demo run

terminal:
	@test -t 0 -a -t 1 || { echo "make demo opens a dashboard and needs a terminal; without one: midwatch demo up" >&2; exit 2; }

run: $(VENV)/.demo  ## the dashboard on this host, without configuration
	@$(BIN)/midwatch

test: check servers  ## every test
	$(BIN)/pytest -q tests/unit tests/contract tests/house tests/outside tests/flows tests/looks tests/fuzz tests/servers

check: $(VENV)/.dev  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: $(VENV)/.dev
	@echo "servers: looking for what the tests start"
	@$(BIN)/python -P -m tui.demo.getting

bench: $(VENV)/.dev servers  ## measure what the issues promise
	$(BIN)/python -m pytest -q -s tests/bench

screenshots: $(VENV)/.dev servers  ## make the pictures of the README from the demo
	$(BIN)/python -m tests.screenshots

clean:  ## remove the virtual environment
	rm -rf $(VENV)

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "midwatch needs Python 3.11 or newer: $(PYTHON) is not there" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "midwatch needs Python 3.11 or newer; choose one with PYTHON=…" >&2; exit 2; }
	@echo "1 of 3  making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "the module venv is missing; on Debian it is in the package python3-venv" >&2; exit 2; }
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "2 of 3  installing midwatch and its libraries into $(VENV)"
	@$(PIP) -e '.[demo]'
	@echo "3 of 3  compiling"
	@$(BIN)/python -m compileall -q tui widgets backends
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "2 of 3  installing midwatch, its libraries and the tools for its tests into $(VENV)"
	@$(PIP) -e '.[dev]'
	@echo "3 of 3  compiling"
	@$(BIN)/python -m compileall -q tui widgets backends
	@touch $@ $(VENV)/.demo
