# huxin. `make` alone lists what there is. Nothing but Python 3.11+ and make is needed; no root.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Tests to run: `make test T=tests/trust`
T      ?= tests
# How long `make chaos` rages
MINUTES ?= 10

.DEFAULT_GOAL := help
.PHONY: help demo test chaos check proto proto-check proto-baseline bench bench-scale run fmt clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## four provinces on this machine: found a registry, recognise, issue, verify (KEEP=1 leaves the nodes running)
	@$(BIN)/python -m ops.demo.run $(if $(KEEP),--keep)

test: $(VENV)/.dev check ## every check and every test
	$(BIN)/python -m pytest -n auto $(T)

chaos: $(VENV)/.dev ## four nodes through bad networks and kills, for as long as you like: make chaos MINUTES=10
	HUXIN_CHAOS_MINUTES=$(MINUTES) $(BIN)/python -m pytest -rP -o faulthandler_timeout=0 tests/integration/test_chaos.py

check: $(VENV)/.dev proto-check ## lint, types, import law, schema, freshness of generated code
	$(BIN)/ruff check node trust ops tests
	$(BIN)/ruff format --check node trust ops tests
	$(BIN)/mypy
	$(BIN)/lint-imports

proto: $(VENV)/.dev ## generate Python from the schema
	$(BIN)/python ops/proto/generate.py

proto-check: $(VENV)/.dev ## lint of the schema, no break of its baseline, freshness of generated code
	cd proto && ../$(BIN)/buf lint
	cd proto && ../$(BIN)/buf breaking --against baseline.binpb
	$(BIN)/python ops/proto/generate.py --check

proto-baseline: $(VENV)/.dev ## take the present schema as agreed: from now on its breaks are refused
	cd proto && ../$(BIN)/buf build --as-file-descriptor-set --exclude-source-info -o baseline.binpb

bench: $(VENV)/.dev ## speed, as ratios against limits measured in the same run; writes build/bench.json
	$(BIN)/python -m ops.bench

bench-scale: $(VENV)/.dev ## logs of ten million entries against ten thousand: SIZE=1000000 for fewer, FOLDER=path to keep them
	$(BIN)/python -m ops.bench.scale $(if $(SIZE),--size $(SIZE)) $(if $(CATCH_UP),--catch-up $(CATCH_UP)) $(if $(FOLDER),--folder $(FOLDER))

run: $(VENV)/.runtime ## serve a jurisdiction: make run JURISDICTION=path/of/its/folder
	$(BIN)/huxin --home $(JURISDICTION) serve

fmt: $(VENV)/.dev ## format the code
	$(BIN)/ruff format node trust ops tests
	$(BIN)/ruff check --fix node trust ops tests

clean: ## remove what was built, not the data
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "huxin needs Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian, apt install python3-venv." >&2; exit 1; }

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
