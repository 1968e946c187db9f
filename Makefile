# Everything a person does with a checkout. `make help` lists it; another Python: make PYTHON=python3.12 …
PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST = $(BIN)/python -m pytest
PARTS := unit contract integration browser chaos

.DEFAULT_GOAL := help
# The parts share two cores and print their times: one after the other, also under -j.
.NOTPARALLEL:
.PHONY: help demo run test test-hub programs lint types $(PARTS) bench clean

# $(call timed,NAME,COMMAND): run the command, and say how long it took, whether it passed or failed.
define timed
	@echo "== $(1)"; start=$$(date +%s); status=0; { $(2); } || status=$$?; \
	echo "== $(1): $$(( $$(date +%s) - start )) s$$(test $$status = 0 || echo ', FAILED')"; exit $$status
endef

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name what; do \
	printf '  make %-12s %s\n' "$$name" "$$what"; done

# --- running ---

demo: .venv/installed  ## the program on bundled sample sites, no network, no services; data in demo-data/
	GOVWIRE_DATA_DIR=demo-data $(BIN)/govwire run --demo

run: .venv/installed  ## the program on the sources in config/; data in govwire-data/
	$(BIN)/govwire run

# --- checking ---

test: .venv/installed-dev programs lint types $(PARTS)  ## everything CI checks: lint, types, all tests, with times

programs: .venv/installed-dev
	@PYTHONPATH=tests $(BIN)/python -m servers.programs

lint: .venv/installed-dev  ## ruff (rules and format) and the import rules
	$(call timed,lint,$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache)

types: .venv/installed-dev  ## mypy, strict
	$(call timed,types,$(BIN)/mypy)

unit: .venv/installed-dev  ## quick tests that start nothing
contract: .venv/installed-dev  ## the same cases on every backend
integration: .venv/installed-dev  ## whole ways through real servers
browser: .venv/installed-dev  ## the pages in a real browser
chaos: .venv/installed-dev  ## kill -9, outages, full disks

test-hub: .venv-hub/installed  ## models of the hub, in an environment of its own with PyTorch (5 GB); not part of test
	$(call timed,$@,$(PYTEST) -m hub tests/hub)

# A part without any test file yet is named and passed over; a part that runs none of its tests fails (pytest's 5).
$(PARTS):
	$(call timed,$@,if find tests/$@ -name 'test_*.py' 2>/dev/null | grep -q .; then $(PYTEST) tests/$@; else echo "no tests yet"; fi)

bench: .venv/installed-dev  ## the figures of the README's table, one file each
	@for file in benchmarks/[a-z]*.py; do test -e "$$file" || continue; echo "== $$file"; $(BIN)/python "$$file" || exit; done

clean:  ## remove the environment, the servers' jars and every cache; data stays
	rm -rf .venv .venv-hub .servers .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- environments: a stamp says that what pyproject.toml asks for is installed ---

.venv/bin/python .venv-hub/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "Govwire needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1 | tail -n 1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "$(PYTHON) cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(@:/bin/python=)

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv; the first time takes some minutes"
	@$(PIP) install --upgrade pip
	@$(PIP) install --editable .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv; the first time takes some minutes"
	@$(PIP) install --upgrade pip
	@$(PIP) install --editable . --group dev
	@touch .venv/installed $@

test-hub .venv-hub/installed: BIN := .venv-hub/bin
.venv-hub/installed: pyproject.toml | .venv-hub/bin/python
	@echo "Installing into .venv-hub, PyTorch included; the first time takes long"
	@$(PIP) install --upgrade pip
	@$(PIP) install --editable '.[hub,train]' --group dev
	@touch $@
