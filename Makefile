# Errands. `make help` lists them. PYTHON names the Python that makes .venv.
PYTHON ?= python3
BIN := .venv/bin
# What goes through every library: settings, command line, solvers, tables, figures, readers.
QUICK := $(patsubst %,tests/test_%.py,schema registry cli scenario results graphml optimisers \
	new_scheme demand_formats errors beliefs announcement_planner recording sndlib rfc8345)
# The newest Python on this machine, those that pyenv keeps included.
NEWEST_PYTHON ?= $(shell for each in 3.14 3.13 3.12 3.11; do for one in python$$each \
	$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$each*/bin/python; do \
	if $$one -c '' 2>/dev/null; then command -v $$one; exit; fi; done; done)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: demo test test-thorough test-all test-times test-lowest test-newest lint docs notebooks bench clean help

demo: .venv/.core  ## set up, then run the built-in study: what SDN is worth, with ranges
	@out=results/china169-2017; n=1; while [ -e $$out ]; do n=$$((n + 1)); out=results/china169-2017-$$n; done; \
	set -x; $(BIN)/simulator run scenarios/china169-2017.yaml --worlds 5 --out $$out

test: .venv/.test  ## run the quick tests
	$(BIN)/python -m pytest -n auto -m "not slow and not thorough"

test-thorough: .venv/.test  ## run those that take 0.3 s or more, except the slow ones
	$(BIN)/python -m pytest -n auto -m "thorough and not slow"

test-all: .venv/.test  ## run all tests
	$(BIN)/python -m pytest -n auto

test-times: .venv/.test  ## measure the CPU of all but the slow tests, and list the dear ones
	rm -rf build/cpu-times
	-PYTHONPATH=tests $(BIN)/python -m pytest -p cpu_times -n 2 -m "not slow"
	$(BIN)/python tests/cpu_times.py

test-lowest: .venv/.uv  ## run a quick part of the tests with the oldest versions that setup.cfg allows
	@test -x .venv-lowest/bin/python || .venv/bin/uv venv --quiet --python $(BIN)/python .venv-lowest
	@VIRTUAL_ENV=.venv-lowest $(BIN)/uv pip install --quiet --resolution lowest-direct -e '.[test]'
	.venv-lowest/bin/python -m pytest -n auto -W default -m "not slow" $(QUICK)

test-newest: .venv/.uv  ## run the same part with the newest versions, on the newest Python there is
	@test -x .venv-newest/bin/python || .venv/bin/uv venv --quiet --python $(NEWEST_PYTHON) .venv-newest
	@VIRTUAL_ENV=.venv-newest $(BIN)/uv pip install --quiet --upgrade -e '.[test]'
	.venv-newest/bin/python --version
	.venv-newest/bin/python -m pytest -n auto -W default -m "not slow" $(QUICK)

lint: .venv/.dev  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy simulator

docs: .venv/.docs  ## build the documentation into build/docs
	$(BIN)/sphinx-build -W docs build/docs

notebooks: .venv/.notebooks  ## make the .ipynb files anew from their .py sources
	$(BIN)/python notebooks/make.py

bench: .venv/.core  ## run the benchmarks
	$(BIN)/python -m benchmarks

clean:  ## remove .venv, results, builds and caches
	rm -rf .venv .venv-lowest .venv-newest build dist results *.egg-info htmlcov .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp per set of extras: nothing is installed twice until these files change.
.venv/.core: setup.cfg pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into .venv; this takes about a minute, once."
	@$(PIP_INSTALL) -e .
	@touch $@

.venv/.%: .venv/.core
	@$(PIP_INSTALL) -e '.[$*]'
	@touch $@

.venv/.uv: .venv/.core
	@$(PIP_INSTALL) uv
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' && $(PYTHON) -m venv .venv || { \
	rm -rf .venv; \
	echo "Needs Python 3.11+ with venv: apt install python3-venv, or make PYTHON=/path/to/python" >&2; \
	exit 1; }
