# Python 3.11 or newer, make and git are all that is needed; each target prepares what it uses.
#
#   make demo      write a sample archive, answer for a dropped connection, then take commands at a terminal
#   make test      lint, type check, tests (KQL is checked by Microsoft's own parser where Node.js is installed)
#   make docs      write the parts of the documentation that come from queries/
#   make accuracy  how often the answers are right, on simulated incidents whose cause is known
#   make bench     ratios of our own time against what we build on
#   make clean     remove everything the other targets made
#
# PYTHON=/path/to/python chooses an interpreter. pip's own configuration is respected.

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: help demo test lint types docs accuracy bench clean

BIN := .venv/bin
PYTHON ?=
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
USABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@found=; \
	for python in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	  if "$$python" -c '$(USABLE)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "signalr-bot needs Python 3.11 or newer with its venv module; tried:" \
	    $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)) >&2; \
	  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv)," \
	    "or name one: make PYTHON=/path/to/python3.11 demo" >&2; \
	  exit 1; \
	fi; \
	echo "Creating .venv with $$("$$found" --version)"; \
	"$$found" -m venv --clear .venv

.venv/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing signalr-bot"
	@$(PIP) --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing signalr-bot and its development tools"
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.installed

demo: .venv/.installed
	@$(BIN)/signalr-bot demo

lint: .venv/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.installed-dev
	@$(BIN)/mypy

test: lint types
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal

docs: .venv/.installed-dev
	@$(BIN)/python -m tests.docs

accuracy: .venv/.installed-dev
	@$(BIN)/python -m tests.accuracy

bench: .venv/.installed-dev
	@$(BIN)/python -m tests.bench

clean:
	rm -rf .venv .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist tests/kusto/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
