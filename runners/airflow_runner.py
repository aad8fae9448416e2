"""Writes the pipeline as an Airflow DAG: `python runners/airflow_runner.py`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tfx_pipeline import terminal
from tfx_pipeline.orchestrators.airflow.runner import command

if __name__ == "__main__":
    terminal.main(command)
