# Everything a person or a CI does with this tree. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CATALOGUES := $(wildcard locale/*/LC_MESSAGES/django.po)

# A virtual environment of somebody's shell must not shine through into ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
export PYTHONUNBUFFERED := 1

.PHONY: help install run test chaos model mutants check fix bench bench-quick bench-year

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

install: $(VENV)/.dev-stamp $(VENV)/.catalogue-stamp  ## the virtual environment with everything for work and tests

$(VENV)/.python-stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Duban needs Python 3.11 or newer: install it, or name it with PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments: install the package python3-venv." >&2; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run-stamp: requirements.txt $(VENV)/.python-stamp
	@echo "Installing what Duban runs on (requirements.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements.txt
	@touch $@

$(VENV)/.dev-stamp: requirements-dev.txt $(VENV)/.run-stamp
	@echo "Installing what the tests and checks need (requirements-dev.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-dev.txt
	@touch $@

$(VENV)/.mutants-stamp: requirements-mutants.txt $(VENV)/.dev-stamp
	@echo "Installing what finding mutants needs (requirements-mutants.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-mutants.txt
	@touch $@

$(VENV)/.catalogue-stamp: $(CATALOGUES) $(VENV)/.run-stamp
	@$(BIN)/python -m config.catalogue
	@touch $@

run: $(VENV)/.run-stamp $(VENV)/.catalogue-stamp  ## the whole of Duban with demonstration data; PORT=8000, Ctrl-C ends it
	@$(BIN)/python -m config.supervisor

test: install  ## everything CI runs: the checks, then all tests
	@$(BIN)/python -m config.checks
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

chaos: export DUBAN_CHAOS := full
chaos: export DUBAN_CHAOS_RECORDS := $(CURDIR)/var/chaos
chaos: install  ## the reliability run: kills, cuts, races, time; DUBAN_CHAOS_SEED=n; writes docs/reliability-run.md
	@rm -rf $(DUBAN_CHAOS_RECORDS)
	@begun=$$(date +%s); $(BIN)/python -m pytest tests/chaos -m "not alone" -n 2 --dist loadfile --no-loadscope-reorder && \
	$(BIN)/python -m pytest tests/chaos -m alone && \
	$(BIN)/python -m tests.chaos.report $(DUBAN_CHAOS_RECORDS) $$(( $$(date +%s) - begun ))

model: install  ## every lifecycle against its model, at length; says what was reached (about forty minutes)
	@DUBAN_MODEL=long $(BIN)/python -m pytest tests/model

MUTATED := calendars.* workflows.judgement.* workflows.ladders.* workflows.round_reading.x_tally_of* \
	workflows.round_reading.x_verdict_of* workflows.rows.* workflows.rulebook.* workflows.scope.x_oversees* \
	workflows.soundness.* workflows.windows.x__window* workflows.words.*

JOBS ?= 2

# The chosen tests ask no server, so that none is started: nothing answers at these addresses.
mutants: export DATABASE_URL := postgresql:///nothing
mutants: export REDIS_URL := redis://nothing
mutants: $(VENV)/.mutants-stamp $(VENV)/.catalogue-stamp  ## changes pure code a little, two thousand times: does a test notice? JOBS=2; docs/mutation.md
	@rm -rf mutants && mkdir mutants
	@$(BIN)/mutmut run --max-children $(JOBS) $(foreach name,$(MUTATED),'$(name)') > mutants/run.log 2>&1 || { tail -n 40 mutants/run.log; exit 1; }
	@$(BIN)/mutmut results --all true | grep -v 'not checked' | sed -E 's/^ *(.*)\.x.*: (.*)/\1 \2/' | sort | uniq -c
	@echo "Not noticed (mutmut show NAME says what was changed):"
	@$(BIN)/mutmut results | grep -v 'not checked' || echo "    nothing"

check: install  ## format, lint, types, import rules, migrations, generated pages, catalogue
	@$(BIN)/python -m config.checks

fix: install  ## mends what can be mended by a tool
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .
	@$(BIN)/python tools/licences.py
	@DUBAN_DEMO=1 $(BIN)/python manage.py process_pages

bench: install  ## Duban beside its peers and the floor of the database, into benchmarks/RESULTS.md; at most 30 minutes
	@DUBAN_DEMO=1 $(BIN)/python -m benchmarks

bench-quick: install  ## a first look at the same, into var/bench/quick.md; at most 5 minutes
	@DUBAN_DEMO=1 $(BIN)/python -m benchmarks --quick

bench-year: install  ## a year of quarterly reports on 200 and 2,000 units; long, and goes on where it was cut off
	@DUBAN_DEMO=1 $(BIN)/python -m benchmarks.year
