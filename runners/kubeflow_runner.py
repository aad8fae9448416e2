"""Writes the pipeline for a cluster: `python runners/kubeflow_runner.py`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tfx_pipeline import terminal
from tfx_pipeline.orchestrators.kubeflow.runner import command

if __name__ == "__main__":
    terminal.main(command)
