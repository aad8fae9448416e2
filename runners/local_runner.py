"""Runs the pipeline on this machine: `python runners/local_runner.py`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from tfx_pipeline import terminal
from tfx_pipeline.orchestrators.local.runner import command

if __name__ == "__main__":
    terminal.main(command)
