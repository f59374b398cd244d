# Needs Python 3.11 or newer and make. Whatever else is used is installed, at the versions of constraints/, into .venv/ and .meltano/.

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PINS := --constraint constraints/project.txt
MELTANO := $(BIN)/meltano
# New files have nothing to delete, and target-jsonl warns of each message that is for deleting.
INTO_FILES := TAP_MDC_VM_EMIT_ACTIVATE_VERSION_MESSAGES=false
PLUGINS := tap-mdc-vm target-jsonl target-postgres target-s3-jsonl target-duckdb target-csv etm-delivery
export MELTANO_CLI_DISABLE_VERSION_CHECK := true

# An environment of one Python would otherwise pass for that of another.
ifneq ($(and $(PYTHON),$(wildcard .venv/bin/python),$(filter-out clean,$(or $(MAKECMDGOALS),help))),)
version = $(shell $(1) -c 'import sys; print(*sys.version_info[:2], sep=".")')
ifneq ($(call version,$(PYTHON)),$(call version,.venv/bin/python))
$(error .venv is of Python $(call version,.venv/bin/python), PYTHON is $(call version,$(PYTHON)): run `make clean`, then this again)
endif
endif

.PHONY: help install demo try test targets chaos clients bench lint format docs constraints clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

install: .venv/.demo .meltano/.demo ## Install the tap, its sandbox and Meltano with the plugins tap-mdc-vm and target-jsonl

demo: install ## Run tap-mdc-vm into target-jsonl against the sandbox, and show what arrived
	@rm -rf output/sandbox
	TAP_MDC_VM_EXTRA_STREAMS='["vulnerabilities", "software", "defender_plans"]' $(INTO_FILES) \
	  $(BIN)/tap-mdc-vm-sandbox --machines 250 --assessments-per-machine 30 -- \
	  $(MELTANO) --env-file /dev/null --environment sandbox run tap-mdc-vm target-jsonl
	@$(BIN)/python scripts/what_arrived.py output/sandbox

try: install ## Load your own tenant, as the account of az login, into files in output/, and show what arrived
	TAP_MDC_VM_AUTH_METHOD=azure_cli $(INTO_FILES) $(MELTANO) run tap-mdc-vm target-jsonl
	@$(BIN)/python scripts/what_arrived.py output

test: lint .meltano/.all ## Run every check and the whole test suite
	$(BIN)/pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

targets: .venv/.dev .meltano/.all .meltano/.parquet ## Run the pairings that take long, and what Snowflake and BigQuery make of the schemas
	$(BIN)/pytest --numprocesses auto --dist loadfile -m slow tests/targets $(PYTEST_ARGS)

chaos: .venv/.dev ## Run the chaos suite for longer: 2,000 runs instead of the 16 of make test, or CHAOS_RUNS, from seed CHAOS_FIRST_SEED
	CHAOS_RUNS=$${CHAOS_RUNS:-2000} CHAOS_FIRST_SEED=$${CHAOS_FIRST_SEED:-1000} $(BIN)/pytest tests/sandbox/test_chaos.py \
	  tests/unit/azure/resource_graph/test_reader_by_chance.py

clients: .venv/.dev .clients/.done ## Try the sandbox with the Azure CLI, Cloud Custodian, Microsoft's package for Node, and curl
	$(BIN)/pytest clients

bench: .venv/.bench .meltano/.all ## Measure speed and memory against their goals, side by side with others; BENCH_ARGS chooses
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

lint: .venv/.dev ## Check style, types and the layers of the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: .venv/.dev ## Format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.dev ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

constraints: .venv/.dev ## Pin the newest versions that fit together, for the project and for each Meltano plugin
	$(BIN)/python scripts/update_constraints.py

clean: ## Remove what make has made: environments, caches, the site and the demo's output. Your output/ and Meltano's state stay
	rm -rf .venv .clients .meltano/extractors .meltano/loaders .meltano/utilities .meltano/.demo .meltano/.all
	rm -rf .meltano/.parquet output/sandbox site dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@scripts/create_venv .venv
	@$(PIP) install $(PINS) pip

.clients/.done: clients/install clients/package.json clients/quickstart.mjs
	clients/install

# The demo needs less than the tests, so that a newcomer waits less.
.venv/.demo: pyproject.toml constraints/project.txt | .venv/bin/python
	@echo 'Installing the tap, its sandbox and Meltano into .venv …'
	@$(PIP) install $(PINS) --editable '.[sandbox]' --group demo
	@touch $@

.venv/.dev: pyproject.toml constraints/project.txt | .venv/bin/python
	@echo 'Installing the tap, its sandbox, Meltano and what the tests need into .venv …'
	@$(PIP) install $(PINS) --editable '.[sandbox]' --group dev
	@touch $@ .venv/.demo

.venv/.bench: pyproject.toml constraints/project.txt | .venv/.dev
	@echo 'Installing what the tap is compared with into .venv …'
	@$(PIP) install $(PINS) --group bench
	@touch $@

.meltano/.demo: meltano.yml pyproject.toml constraints/project.txt constraints/target-jsonl.txt | .venv/.demo
	@echo 'Installing the plugins tap-mdc-vm and target-jsonl into .meltano …'
	@$(MELTANO) --log-level warning install tap-mdc-vm target-jsonl
	@touch $@

.meltano/.all: meltano.yml pyproject.toml $(wildcard constraints/*.txt) | .venv/.dev
	@echo 'Installing the plugins of meltano.yml into .meltano …'
	@$(MELTANO) --log-level warning install $(PLUGINS)
	@touch $@ .meltano/.demo

# Apart, as it is large and wants Python 3.12 or older.
.meltano/.parquet: meltano.yml constraints/target-s3-parquet.txt | .venv/.dev
	@echo 'Installing the plugin target-s3-parquet into .meltano …'
	@$(MELTANO) --log-level warning install target-s3-parquet
	@touch $@
