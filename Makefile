# Targets work from a fresh clone: each one that runs Python first makes .venv from the lock files.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first of these that is new enough; set PYTHON to choose another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# A user's own pytest or mypy settings must not change what these targets mean.
unexport PYTHONPATH PYTEST_ADDOPTS

.PHONY: help run venv test lint slow bench docs reports reviews keynote golden lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

$(STAMP): requirements-dev.lock requirements-goodput.lock pyproject.toml
	@echo "setting up $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement requirements-dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --requirement requirements-goodput.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .
	@touch $@

venv: $(STAMP)  ## make .venv with the locked versions and this package, editable

run: $(STAMP)  ## simulate the published Llama 3 405B cluster
	@$(BIN)/ras-sim run scenarios/llama3_405b_16k.yaml

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy --strict ras_sim
	$(BIN)/lint-imports

test: lint  ## linters, types, layers, then every test that is not slow
	$(BIN)/python -m pytest -n $(WORKERS) -q -m "not slow"

slow: $(STAMP)  ## the long tests: published fleets, browsers, large machines
	$(BIN)/python -m pytest -n $(WORKERS) -q -m slow

bench: $(STAMP)  ## speed and memory, as ratios
	$(BIN)/python -m benchmarks.run

docs: $(STAMP)  ## rewrite the generated pages of docs/
	$(BIN)/python -m docs.generate

reports: $(STAMP)  ## rewrite the reports that are kept in reports/
	$(BIN)/ras-sim run scenarios/llama3_405b_16k.yaml --replications 20 --quiet --out runs/llama3_405b_16k
	mkdir -p reports/llama3_405b_16k
	cp runs/llama3_405b_16k/summary.md runs/llama3_405b_16k/report.html reports/llama3_405b_16k/

reviews: $(STAMP)  ## answer the questions of a design review again: reports/reviews.md and .html
	$(BIN)/python -m docs.reviews

keynote: $(STAMP)  ## price the points of the keynote again: reports/keynote.md and keynote.html
	$(BIN)/python -m docs.keynote

golden: $(STAMP)  ## rewrite the golden files (say why in CHANGELOG.md)
	$(BIN)/python -m pytest -q tests/golden --rewrite-golden

lock:  ## pin the newest versions that pyproject.toml allows
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 2; }
	uv pip compile --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url \
	  --no-emit-find-links --quiet pyproject.toml --output-file requirements.lock
	uv pip compile --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url \
	  --no-emit-find-links --quiet --extra dev --constraints requirements.lock \
	  pyproject.toml --output-file requirements-dev.lock

clean:  ## remove the environment, caches and build artefacts; run directories stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
