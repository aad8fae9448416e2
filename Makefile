# Every target does its own set-up, from the lock files in requirements/ into .venv, for the
# newest line of TFX that this machine can load.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-airflow setup-kubeflow setup-kubeflow-dev setup-servers \
	run airflow-demo check test test-fast test-slow test-other-line coverage lint types format docs audit bench lock clean

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -n auto --dist loadfile
# What a line of TFX may change. Slow parts run on the other line in the end-to-end tests only.
OTHER_LINE := -m "e2e or not slow" \
	tests/e2e tests/components tests/compat tests/serving/local_server
SETUP := sh scripts/setup.sh
# The set-up leaves its own uv here, unless there is one on PATH.
UV := $(if $(wildcard .tools/bin/uv),.tools/bin/uv,uv)

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install what running needs into .venv; TFX_LINE=1.16 or 1.21 forces a line
	@$(SETUP) tfx

setup-dev:  ## Install what the tests need as well
	@$(SETUP) tfx-dev

setup-airflow:  ## Install Airflow into an environment of its own, .airflow-venv
	@$(SETUP) --into .airflow-venv requirements/airflow.txt

setup-kubeflow:  ## Install kfp into .kubeflow, to write pipelines for Kubeflow
	@$(SETUP) --into .kubeflow requirements/kubeflow.txt

setup-kubeflow-dev:  ## Install what the tests of the Kubeflow runner need as well
	@$(SETUP) --into .kubeflow requirements/kubeflow-dev.txt

setup-servers:  ## Install MariaDB, PostgreSQL and Chromium for the tests, with apt-get as root
	@sh scripts/setup_servers.sh

run: setup  ## Run the pipeline of pipeline.yaml here; ARGS="--set training.steps=200"
	@$(PYTHON) runners/local_runner.py $(ARGS)

airflow-demo: setup setup-airflow  ## Run the pipeline as a DAG on an Airflow of its own, here
	@$(PYTHON) scripts/airflow_demo.py $(ARGS)

check: lint test-fast  ## Check style and types, then run the fast tests

test: lint setup-airflow setup-kubeflow-dev setup-servers  ## Check style and types, then run all tests; ARGS="-k name"
	$(PYTEST) $(ARGS)

test-other-line: setup-dev  ## Run the end-to-end tests and those of the components on the other line of TFX
	@sh scripts/other_line.sh $(PYTEST) $(OTHER_LINE) $(ARGS) || [ $$? = 69 ]

test-fast: setup-dev setup-airflow setup-kubeflow-dev  ## Run the tests that need no TensorFlow
	$(PYTEST) --part fast $(ARGS)

test-slow: setup-dev setup-kubeflow-dev setup-airflow setup-servers  ## Run the tests that `make test-fast` leaves out
	$(PYTEST) --part slow $(ARGS)

coverage: ARGS += --cov --cov-report=term
coverage: test-fast  ## Run the fast tests and print which lines they execute

lint: types  ## Check types, style, format and which package imports which
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/lint-imports --no-cache

types: setup-dev  ## Check the types with mypy
	$(PYTHON) -m mypy

format: setup-dev  ## Format the code, and fix what can be fixed automatically
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

docs: setup-dev  ## Write the generated pages and the JSON Schema in docs/
	$(PYTHON) -m scripts.make_docs

audit: setup-dev  ## List known vulnerabilities of the locked packages; needs uv and access to PyPI
	for lock in requirements/tfx-*-py3.1?.txt; do \
		$(UV) tool run pip-audit --requirement $$lock --no-deps --disable-pip || exit 1; done

bench: setup-dev  ## Measure quality and speed, compared with stock TFX and simple baselines
	$(PYTHON) runners/local_runner.py
	$(PYTHON) -m benchmarks quality --config pipeline.yaml
	$(PYTHON) -m benchmarks serving
	$(PYTHON) -m benchmarks speed $(ARGS)

lock:  ## Resolve the lock files anew; UPGRADE=--upgrade takes newer versions
	@$(SETUP) --lock $(UPGRADE)

clean:  ## Remove build/ (runs and pushed models too) and what tools left behind
	rm -rf build dist .build *.egg-info .pytest_cache .ruff_cache .import_linter_cache .mypy_cache .coverage
	find . \( -name '.*venv' -o -name .tools -o -name .kubeflow \) -prune -o -name __pycache__ -exec rm -rf {} +
