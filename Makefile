# Two commands do all the set-up: `make demo` runs the main job, `make test` passes the tests.
# Needed: Linux x86-64, Python 3.11 to 3.13 with venv, make. Nothing else: no Docker, no Java, no database.

SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
DATA ?=
MAPPING ?=
JSON ?=
ONLY ?=
RESUME ?=
ARGS ?=
# What has passed of the long run, for RESUME=1.
LONG_PASSED := build/long-passed
# Demo and tests start hundreds of processes: each module is compiled once, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test long lint bench evaluate lock clean

help: ## Say what can be done
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/installed-run ## Run the main job on an embedded stack (DATA=file MAPPING=file to load your own, JSON=file for machines)
	@$(BIN)/tillstream demo $(if $(DATA),--data "$(DATA)") $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(JSON),--json "$(JSON)") $(ARGS)

test: .venv/installed-dev lint ## Pass the tests, on real Kafka, Postgres and ClickHouse
	@$(BIN)/python -m pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder --timeout=300 --patience=3 $(ARGS)

long: .venv/installed-dev ## Pass the tests that take hours: more kills, ten times the examples of laws (ONLY="folder file" below tests, RESUME=1 to go on)
	@$(if $(RESUME),,rm -f $(LONG_PASSED))
	@$(BIN)/python -m pytest $(addprefix tests/,$(ONLY)) -v -o console_output_style=times --passed=$(LONG_PASSED) \
		-m "long or hypothesis" --hypothesis-profile=long --timeout=1800 --patience=5 $(ARGS)

lint: .venv/installed-dev ## Check style, types, import contracts and generated schemas
	@echo "checking style, types, import contracts and schemas"
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/tillstream schemas check

bench: .venv/installed-dev ## Measure, one after another (ONLY=name for one); results in docs/performance/results
	@$(BIN)/python -m tests.benchmarks $(ONLY)

evaluate: .venv/installed-dev ## Judge the rules on data whose truth is known (ONLY=name for one); results in docs/evaluation
	@$(BIN)/python -m tests.evaluation $(ONLY)

lock: .venv/installed-dev ## Resolve the dependencies anew into requirements/*.txt (needs uv)
	@tools/lock

clean: ## Remove the virtual environment and the data of the embedded stack
	rm -rf .venv .tillstream build

.venv/installed-run: requirements/run.txt pyproject.toml
	@PYTHON="$(PYTHON)" tools/setup run

.venv/installed-dev: requirements/dev.txt requirements/run.txt pyproject.toml
	@PYTHON="$(PYTHON)" tools/setup dev
