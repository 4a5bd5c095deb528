# Every target sets up what it needs in $(VENV); the second time that costs nothing. `make` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
# The interpreter to build $(VENV) from; found by itself when empty.
PYTHON ?=
BIN := $(VENV)/bin
# Compiled tests are kept, whatever the environment says: compiling them takes as long as half of the unit tests.
export PYTHONDONTWRITEBYTECODE :=
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -q
# The same; what fails is run twice more, alone, and named. `tests/alone.py` says when that counts as passed.
ALONE := $(BIN)/python -m tests.alone
# Tests on servers wait for most of their time; more at once make a busy machine of two cores, and late looks.
WAITING := -n 6 --dist worksteal
# Says how long a target took, whether it failed or not.
TIMED = TIMEFORMAT='make $@ took %0R s'; time

.PHONY: help venv demo test unit unit-streams unit-others properties deep servers integration quickzoo quickwild faults reliability lint zoo wild bench docs site wheel pictures clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## set up $(VENV) with everything for development
	@echo '$(VENV) is ready'

$(STAMP): pyproject.toml
	@python=; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        python=$$candidate; break; \
	    fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'No Python 3.11 or newer with venv: install python3 and python3-venv, or say make PYTHON=/path/to/python3' >&2; \
	    exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version), this takes a minute or two"; \
	"$$python" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --editable '.[dev]'
	@touch $@

test: unit properties servers faults ## run every test: unit, properties, on servers, and our own parts killed

# Two processes that collect half of the tests each: workers of pytest-xdist collect all of them, which takes as long as
# a third of the tests.
unit: $(STAMP) ## run the unit tests but the slow ones and the property tests: seconds, no network
	@$(TIMED) $(MAKE) --no-print-directory --jobs=2 --output-sync=target unit-streams unit-others

unit-streams:
	@$(PYTEST) -m "not slow and not deep" tests/unit/streams

unit-others:
	@$(PYTEST) -m "not slow and not deep" tests/unit --ignore tests/unit/streams

properties: $(STAMP) ## run the slow unit tests, and the property tests with many examples and long histories: a minute or two
	@$(TIMED) $(PYTEST) -n 2 --dist worksteal -m "deep or slow" --hypothesis-profile=ci tests/unit

deep: $(STAMP) ## look for examples that break a property: thousands each, new ones each time; takes hours
	@$(TIMED) $(PYTEST) -n 2 --dist worksteal -m deep --hypothesis-profile=deep --timeout=3600 tests/unit

servers: $(STAMP) ## run integration, quickzoo and quickwild as one, so that none waits for the last test of another
	@rm -f build/wild.jsonl
	@$(TIMED) $(ALONE) servers $(WAITING) -m "zoo or quick or integration" tests/zoo tests/wild tests/integration

integration: $(STAMP) ## run the tests that start real servers
	@$(TIMED) $(PYTEST) $(WAITING) tests/integration

quickzoo: $(STAMP) ## the zoo, short: every fault on PostgreSQL 18, a handful on 15
	@$(TIMED) $(PYTEST) $(WAITING) -m zoo tests/zoo

quickwild: $(STAMP) ## the situations that people reported, those marked quick
	@rm -f build/wild.jsonl
	@$(TIMED) $(PYTEST) $(WAITING) -m quick tests/wild

faults: $(STAMP) ## kill, freeze and take away our own parts on Apache Kafka, and count what is lost
	@$(TIMED) $(ALONE) faults -n 3 tests/faults

reliability: faults ## the same, and write the counts into docs/reliability.md
	@$(BIN)/python -m tests.faults.page

lint: $(STAMP) ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP) ## write the generated pages of docs/reference and the examples of settings
	$(BIN)/python -m leadline.schemas docs/reference
	$(BIN)/python -m leadline.settings.reference >docs/reference/settings.md
	$(BIN)/python -m leadline.settings.example deploy/examples
	$(BIN)/python -m leadline_cli.reference >docs/reference/commands.md
	$(BIN)/python -m leadline_streams.reference docs/reference

site: $(STAMP) ## build the documentation with search in build/site, without the network
	$(BIN)/zensical build --strict

wheel: $(STAMP) ## build the distribution in dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

demo: $(STAMP) ## a whole fleet on this machine, broken and explained
	@mkdir -p build
	@$(BIN)/leadline demo --report build/demo-report.json --pictures build

pictures: $(STAMP) ## run the demo and write the pictures of the README; needs Chromium
	$(BIN)/python -m leadline_lab.demo.pictures docs/pictures

zoo: $(STAMP) ## break servers of PostgreSQL 18 and 15 in every known way, score the causes named, write docs/zoo.md
	@status=0; LEADLINE_TEST_ZOO=18,15 $(BIN)/python -m pytest -q -n 8 --dist worksteal -m zoo tests/zoo || status=$$?; \
	$(BIN)/python -m tests.zoo.page; exit $$status

wild: $(STAMP) ## build every situation that people reported, write docs/wild.md
	@rm -f build/wild.jsonl
	@status=0; $(BIN)/python -m pytest -q -n 5 --dist worksteal tests/wild || status=$$?; \
	$(BIN)/python -m tests.wild.page; exit $$status

bench: $(STAMP) ## measure every performance claim again
	$(BIN)/python -m bench

clean: ## remove $(VENV) and everything that was generated outside the sources
	rm -rf $(VENV) build dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
