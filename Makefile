# Every target does its own set-up, from the lock files in requirements/ into .venv.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-airflow setup-kubeflow setup-kubeflow-dev setup-mariadb \
	run airflow-demo test test-fast lint format bench lock clean

PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest -n auto --dist loadfile
SETUP := sh scripts/setup.sh
LINE := 1.16

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Install what running needs into .venv
	@$(SETUP) requirements/tfx-$(LINE).txt

setup-dev:  ## Install what the tests need as well
	@$(SETUP) requirements/tfx-$(LINE)-dev.txt

setup-airflow:  ## Install Airflow into an environment of its own, .airflow-venv
	@$(SETUP) --into .airflow-venv --python 3.12 requirements/airflow.txt

setup-kubeflow:  ## Install kfp into .kubeflow, to write pipelines for Kubeflow
	@$(SETUP) --into .kubeflow requirements/kubeflow.txt

setup-kubeflow-dev:  ## Install what the tests of the Kubeflow runner need as well
	@$(SETUP) --into .kubeflow requirements/kubeflow-dev.txt

setup-mariadb:  ## Install MariaDB's server for the tests, with apt-get as root
	@sh scripts/setup_mariadb.sh

run: setup  ## Run the pipeline of pipeline.yaml here; ARGS="--set training.steps=200"
	@$(PYTHON) runners/local_runner.py $(ARGS)

airflow-demo: setup setup-airflow  ## Run the pipeline as a DAG on an Airflow of its own, here
	@$(PYTHON) scripts/airflow_demo.py $(ARGS)

test: lint setup-airflow setup-kubeflow-dev setup-mariadb  ## Check the style, then run all tests; ARGS="-k name"
	$(PYTEST) $(ARGS)

test-fast: setup-dev setup-airflow setup-kubeflow-dev  ## Run the tests that need no TensorFlow
	$(PYTEST) -m "not tensorflow and not e2e" \
		--ignore tests/components --ignore tests/modeling --ignore tests/e2e $(ARGS)

lint: setup-dev  ## Check style, format and who imports whom
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/lint-imports --no-cache

format: setup-dev  ## Put the code into its format
	$(PYTHON) -m ruff check --fix-only .
	$(PYTHON) -m ruff format .

bench: setup-dev  ## Measure quality and speed beside simple baselines
	$(PYTHON) runners/local_runner.py
	$(PYTHON) -m benchmarks quality
	$(PYTHON) -m benchmarks serving
	$(PYTHON) -m benchmarks speed $(ARGS)

lock:  ## Resolve the lock files anew; UPGRADE=--upgrade takes newer versions
	@$(SETUP) --lock $(LINE) $(UPGRADE)

clean:  ## Remove build/ (runs and pushed models too) and what tools left behind
	rm -rf build dist .build *.egg-info .pytest_cache .ruff_cache .import_linter_cache
	find . \( -name '.*venv' -o -name .tools -o -name .kubeflow \) -prune -o -name __pycache__ -exec rm -rf {} +
