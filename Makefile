# Two commands set everything up: `make demo` and `make test`. `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# durable-rules ships as source only: newer setuptools drop -O2, and 3.13 has renamed one C function.
COMPILER := $(firstword $(foreach name,$(CC) gcc clang cc,$(if $(shell command -v $(name) 2>/dev/null),$(name))))
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test agreement format lint serve bench schema clean check-machine

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check-machine:
	@command -v $(PYTHON) >/dev/null || { echo "make: no '$(PYTHON)' found. Install Python 3.11, 3.12 or 3.13, or call: make PYTHON=/path/to/python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "make: $$($(PYTHON) --version) is not supported. Install Python 3.11, 3.12 or 3.13, or call: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: this Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	@test -n "$(COMPILER)" || { echo "make: no C compiler found; durable-rules is built from source. On Debian and Ubuntu: apt-get install gcc libc6-dev python3-dev"; exit 2; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' || { echo "make: Python.h is missing; durable-rules is built from source. On Debian and Ubuntu: apt-get install python3-dev"; exit 2; }

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(MAKE) --no-print-directory check-machine
	@echo "building the environment in $(VENV) (once, one to three minutes) ..."
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@CC="$(COMPILER) -O2" CPPFLAGS="$$($(PYTHON) -c 'import sys; print("-DPyEval_CallObject=PyObject_CallObject" if sys.version_info >= (3, 13) else "")')" \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# Spark is 400 MB that only a cluster needs: the tests get it where there is a Java for it.
JAVA_17 := $(shell java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | awk '$$1 >= 17')
$(VENV)/.spark: $(VENV)/.ready
	@echo "adding Spark to the environment (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[spark]"
	@touch $@

demo: $(VENV)/.ready ## a sample city from extract files to notices; ARGS="--citizens 20000" for another size
	@$(BIN)/mianshen demo $(ARGS)

test: $(VENV)/.ready $(if $(JAVA_17),$(VENV)/.spark) ## all tests, with the checks of style, types and import direction
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

agreement: $(VENV)/.ready ## the night run: all engines agree on 100,000 generated decisions; CASES=20000 for fewer
	@MIANSHEN_AGREEMENT_CASES=$(or $(CASES),100000) $(BIN)/python -m pytest tests/agreement --timeout=0 $(ARGS)

format: $(VENV)/.ready ## format the code (ruff)
	@$(BIN)/ruff format --quiet .

lint: $(VENV)/.ready ## style (ruff), types (mypy), import direction (import-linter)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports

serve: $(VENV)/.ready ## the schedule and the pages
	@$(BIN)/mianshen serve $(ARGS)

bench: $(VENV)/.ready ## matching, recording and intake, measured on this machine
	@$(BIN)/mianshen bench $(ARGS)

schema: $(VENV)/.ready ## write policies/policy.schema.json anew
	@$(BIN)/python -m policies.schema

clean: ## remove the environment and the demo's data
	@rm -rf $(VENV) .mianshen
