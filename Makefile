# The one list of commands; `make` alone shows it.
#
#   PYTHON           makes the virtual environment: 3.11 to 3.13       make setup PYTHON=python3.12
#   TOROUTER_DEVICE  cpu or gpu, where the guess is wrong              make setup TOROUTER_DEVICE=cpu
#   ARGS             for pytest, the benchmark, or the faults          make test ARGS="-k store"
#
# Every setting of torouter is an environment variable too (core/settings.py): make up TOROUTER_PORT=8080

PYTHON ?= python3
ARGS ?=
# Processes start by the hundred here, and each would compile what it imports anew: twice the time to start.
PYTHONDONTWRITEBYTECODE =
export

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo up test check docs bench chaos

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 14

setup: ## Make .venv with all that is needed to run (4 GB; at once when nothing has changed)
	@bash deploy/setup.sh

setup-dev:
	@bash deploy/setup.sh dev

demo: setup ## Collect, train, route, answer and report on this machine, then end
	@.venv/bin/torouter demo

up: setup ## Run the whole system on this machine until Ctrl-C
	@.venv/bin/torouter up

test: setup-dev ## Run all tests
	.venv/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-dev ## Lint, formatting, types, the order of imports, and known vulnerabilities
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/bandit --quiet --configfile pyproject.toml --recursive api core deploy experts router workers
	.venv/bin/python deploy/audit.py

docs: setup-dev ## Make the documentation as a site, its reference from the code, in docs/_build/html
	.venv/bin/python -m docs.generate
	.venv/bin/python -m sphinx --fail-on-warning --keep-going --quiet --write-all --conf-dir docs . docs/_build/html
	@echo "docs/_build/html/index.html"

bench: setup-dev ## Measure: against rivals, taking in, ordering, overload, recovery, a million prompts (an hour and a half)
	.venv/bin/python -m tests.bench $(ARGS)
	.venv/bin/python -m tests.bench.rivals
	.venv/bin/python -m tests.bench.ingestion
	.venv/bin/python -m tests.bench.prefixes
	.venv/bin/python -m tests.bench.overload
	.venv/bin/python -m tests.bench.recovery
	.venv/bin/python -m tests.bench.bulk

chaos: setup-dev ## Break the real system on a seeded schedule, ten times 10,000 prompts, and look at what it promises
	.venv/bin/python -m tests.acceptance.chaos $(ARGS)
