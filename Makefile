# Each target installs what it needs into .venv and tests/js/node_modules or page/node_modules. The second run is quick.

PYTHON ?= python3
PORT ?= 8123
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
LATEST := .venv-latest
SERVE := $(VENV)/.serve
TEST := $(VENV)/.test
LINT := $(VENV)/.lint
JS := tests/js/node_modules/.package-lock.json
PAGE := page/node_modules/.package-lock.json

# Python and pytest cache what they compile: the next run starts sooner.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help serve page screenshots unit test test-latest pin lint check record bench bench-peers format clean

help:
	@echo "make serve        serve the bundled cassettes and the fake graph on http://127.0.0.1:$(PORT)"
	@echo "make page         build the page at /__mockserver__/ from the folder page (needs npm)"
	@echo "make screenshots  take the pictures of the page in docs/ again (needs chromium)"
	@echo "make unit         run the tests that need no other program, without the slow ones"
	@echo "make test         run all tests, with $(WORKERS) workers (WORKERS=n changes that)"
	@echo "make test-latest  run all tests with the newest packages, in $(LATEST), and list those that differ from constraints.txt"
	@echo "make pin          write the versions in $(LATEST) to constraints.txt"
	@echo "make lint         check format, lint rules and types"
	@echo "make check        run lint, then test"
	@echo "make record       record the bundled cassettes again from a real Agent Server"
	@echo "make bench        measure the speed next to baselines, and draw docs/speed.svg"
	@echo "make bench-peers  measure other tools with the same exchanges (needs npm and Java)"
	@echo "make format       format the code and apply automatic fixes"
	@echo "make clean        remove .venv, .venv-latest, node_modules and .bench"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "mockserver needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(SERVE): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(TEST): $(SERVE)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group test
	@touch $@

$(LINT): $(SERVE)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@ $(TEST)

$(JS): tests/js/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --prefix tests/js; \
	else echo "npm is not installed: the tests of the JavaScript SDK are skipped"; fi

serve: $(SERVE)
	$(BIN)/mockserver serve cassettes --port $(PORT)

$(PAGE): page/package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --prefix page; \
	elif [ "$$MOCKSERVER_TEST_TOOLS" = required ]; then echo "npm is required here, and missing"; exit 1; \
	else echo "npm is not installed: the page is not checked"; fi

page: $(PAGE)
	npm run --silent --prefix page format
	npm run --silent --prefix page build

screenshots: $(TEST)
	$(BIN)/python -m tests.screenshots docs

unit: $(TEST)
	MOCKSERVER_TEST_TOOLS=none $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder --ignore=tests/real -m "not real and not slow"

test: $(TEST) $(JS) $(PAGE)
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

test-latest: $(JS) $(PAGE)
	$(PYTHON) -m venv --clear $(LATEST)
	$(LATEST)/bin/python -m pip install --quiet --upgrade pip
	$(LATEST)/bin/python -m pip install --quiet --group dev --editable .
	$(LATEST)/bin/python -m tests.versions
	$(LATEST)/bin/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

pin:
	@echo "# The versions that \`make test\` and \`make lint\` install. \`make pin\` writes this file." >constraints.txt
	$(LATEST)/bin/python -m pip freeze --exclude-editable >>constraints.txt

lint: $(LINT) $(PAGE)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@if command -v npm >/dev/null; then npm run --silent --prefix page check; fi

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
	rm -rf $(VENV) $(LATEST) tests/js/node_modules page/node_modules .bench
