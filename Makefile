# midwatch: `make demo` shows it on a small production of real servers, `make test` proves it. Neither installs
# anything outside this folder and the user's cache, and neither needs root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --no-input install -c constraints.txt
# From the quick to the slow, so that the cheap reasons to fail come first; before the many quick ones the few that
# wait for servers, beside which they run. tests/bench is `make bench`'s.
TESTS = contract unit house flows looks fuzz outside servers
# Most tests wait for real servers and programs, four at a time for two cores; a file's tests share its servers.
PARALLEL = -n 4 --dist loadfile --no-loadscope-reorder
# Without bytecode every start of Textual costs three times as long; some containers switch it off.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo terminal run test check servers bench chaos screenshots clean

help:  ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1@/p' Makefile | awk -F@ '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: terminal $(VENV)/.demo  ## the dashboard on a small production of real servers on loopback
	@$(BIN)/midwatch demo run

# Asked before anything is downloaded.
terminal:
	@test -t 0 && test -t 1 || { echo "make demo opens a dashboard and needs a terminal (over ssh: ssh -t)" >&2; exit 2; }

run: $(VENV)/.demo  ## the dashboard on this host
	@$(BIN)/midwatch

test: check servers  ## every test, after `make check`
	$(BIN)/pytest -q $(PARALLEL) --durations=15 $(addprefix tests/,$(TESTS))

check: $(VENV)/.dev  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

servers: $(VENV)/.dev
	@echo "getting the servers that the tests start"
	@$(BIN)/python -P -m tui.demo.fetch

bench: $(VENV)/.dev servers  ## measure what the issues promise
	$(BIN)/python -m pytest -q -s tests/bench

chaos: $(VENV)/.dev servers  ## ten minutes of blows on the demo; SEED=… does those of an earlier run again
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED))

screenshots: $(VENV)/.dev servers  ## make the pictures of the README from the demo
	$(BIN)/python -m tests.screenshots

clean:  ## remove the virtual environment
	rm -rf $(VENV)

# A stamp is touched when its step is complete: an interrupted step is done again, a complete one never.
$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || { echo "midwatch needs Python 3.11 or newer, and $(PYTHON) is not there; choose one with PYTHON=..." >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "midwatch needs Python 3.11 or newer, and $(PYTHON) is older; choose one with PYTHON=..." >&2; exit 2; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) lacks the module venv; on Debian and Ubuntu it is in the package python3-venv" >&2; exit 2; }
	@echo "1 of 3  making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "2 of 3  installing midwatch and its libraries into $(VENV), about 20 packages"
	@$(PIP) -e '.[demo]'
	@echo "3 of 3  compiling"
	@$(BIN)/python -m compileall -q tui widgets backends
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "2 of 3  installing midwatch, its libraries and the tools for its tests into $(VENV), about 50 packages"
	@$(PIP) -e '.[dev]'
	@echo "3 of 3  compiling"
	@$(BIN)/python -m compileall -q tui widgets backends
	@touch $@ $(VENV)/.demo
