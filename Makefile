# Two commands: `make demo` shows the whole loop, `make test` proves it. Each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help demo demo-webarena install check test faults docs clean
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

demo: .venv/demo  ## build a dataset, tune the tiny model, evaluate it before and after, write the report
	$(BIN)/agenttuning run recipes/quickstart.toml --resume

demo-webarena: .venv/web  ## the mini sites of `webarena` for a person, on a loopback port
	$(BIN)/python -m agenttuning.environments.worlds.minisites

install: .venv/dev  ## everything that development and the tests need

check: .venv/dev  ## format, lint, types, architecture
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/dev .venv/system .venv/langchain/done check  ## the same that CI runs
	$(BIN)/python -m pytest -n 2 --dist worksteal

faults: export AGENTTUNING_LONG = 1
faults: export AGENTTUNING_KILLS = 10
faults: export AGENTTUNING_EPISODES = 2000
faults: export AGENTTUNING_FAULT_TABLE = runs/faults/table.md
faults: .venv/dev .venv/system  ## the fault suite in its long form, about half an hour; saves its table in runs/faults
	$(BIN)/python -m pytest tests/faults tests/core/test_orphans.py --timeout 1800
	$(BIN)/python benchmarks/kills.py --kills 50 --folder runs/faults/kills

docs: .venv/dev  ## rebuild the pages that are made from the code, and check the links
	$(BIN)/python docs/build.py

clean:  ## remove what the targets made, runs excepted
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "the venv module is missing; install it (Debian: apt-get install python3-venv)" >&2; exit 1; }

# torch goes in first and alone: later packages would otherwise pull the CUDA build.
.venv/torch: .venv/bin/python constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	@touch $@

.venv/demo: .venv/torch pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[train,serve,report,search,graph]"
	@grep bubblewrap packages.txt | bash scripts/install_packages.sh /dev/stdin "operating_system will fail its episodes"
	@touch $@

.venv/web: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[web]"
	@touch $@

.venv/dev: .venv/torch pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all]" --group dev
	@touch $@

# A client library that wants an older huggingface_hub than transformers does.
.venv/langchain/done: .venv/bin/python
	@$(PYTHON) -m venv .venv/langchain
	.venv/langchain/bin/python -m pip install --quiet --disable-pip-version-check "langchain-huggingface==1.2.3"
	@touch $@

# Debian packages for the tests that need a real server or browser; without root they are skipped, and say so.
.venv/system: .venv/bin/python packages.txt
	@bash scripts/install_packages.sh packages.txt "The tests that need them will be skipped"
	@touch $@
