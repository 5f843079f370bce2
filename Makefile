# Everything lives in .venv; a target sets up what it needs, and a second run is quick.

PYTHON ?= python3
PORT ?= 8123
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
SERVE := $(VENV)/.serve
TEST := $(VENV)/.test
LINT := $(VENV)/.lint
JS := tests/js/node_modules/.package-lock.json

.PHONY: help serve test lint check record bench bench-peers format clean

help:
	@echo "make serve    set up, then serve the bundled cassettes and the fake graph on http://127.0.0.1:$(PORT)"
	@echo "make test     set up, then run the whole suite"
	@echo "make lint     format, lint and types"
	@echo "make check    lint, then test"
	@echo "make record   record the bundled cassettes again from a real Agent Server"
	@echo "make bench    measure how fast it is, beside baselines in the same run"
	@echo "make bench-peers  measure other tools with the same exchanges (npm, java)"
	@echo "make format   put the code into its form"
	@echo "make clean    remove .venv and node_modules"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mockserver needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(SERVE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(TEST): $(SERVE)
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(LINT): $(SERVE)
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@ $(TEST)

$(JS): tests/js/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --prefix tests/js; \
	else echo "npm is missing: the tests of the JS SDK are skipped"; fi

serve: $(SERVE)
	$(BIN)/mockserver serve cassettes --port $(PORT)

test: $(TEST) $(JS)
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile

lint: $(LINT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

record: $(TEST)
	$(BIN)/python -m tests.recordings cassettes

bench: $(TEST)
	$(BIN)/python -m tests.benchmarks --chart docs/speed.svg

bench-peers: $(TEST)
	$(BIN)/python -m tests.benchmarks.peers

format: $(LINT)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) tests/js/node_modules .bench
