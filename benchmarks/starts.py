"""What is started often: help, check, one node, a DAG file, a cached run."""

from __future__ import annotations

import pathlib
import statistics
import sys
from collections.abc import Iterator

from benchmarks import measure
from benchmarks.contestants import Table
from benchmarks.measure import REPOSITORY

_TIMES = 5
_AIRFLOW = REPOSITORY / ".airflow-venv" / "bin" / "python"
_PARSE = """
import json, runpy, sys, time
import airflow.sdk, airflow.providers.standard
began = time.monotonic()
runpy.run_path(sys.argv[1])
print(json.dumps({"seconds": time.monotonic() - began}))
"""


def rows(table: Table) -> Iterator[tuple[str, str]]:
    """Names and median wall seconds; the table's pipeline must have run."""
    command = [sys.executable, "-m", "tfx_pipeline"]
    yield "`tfx-pipeline --help`", _median([[*command, "--help"]] * _TIMES, table)
    yield "`tfx-pipeline check`", _median([[*command, "check"]] * _TIMES, table)
    run = max((table.folder / "build" / "chicago-taxi" / "runs").iterdir())
    yield "one node of a finished run", _median([_node(run, run.name)] * _TIMES, table)
    cached = [_node(run, f"cached-{number}") for number in range(_TIMES)]
    yield "one node from the cache", _median(cached, table)
    if _AIRFLOW.exists():
        yield "Airflow parses the DAG file, its own imports aside", _dag(table)


def _median(commands: list[list[str]], table: Table) -> str:
    walls = [measure.run(command, table.folder).wall for command in commands]
    return f"{statistics.median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})"


def _node(run: pathlib.Path, run_id: str) -> list[str]:
    command = [sys.executable, "-m", "tfx_pipeline.node", "--node", "ExampleGen"]
    return [*command, "--pipeline", str(run / "pipeline.pb"), "--run-id", run_id]


def _dag(table: Table) -> str:
    output = table.folder / "dags"
    runner = [sys.executable, str(REPOSITORY / "runners" / "airflow_runner.py")]
    measure.run([*runner, "--output", str(output)], table.folder)
    command = [str(_AIRFLOW), "-c", _PARSE, str(output / "chicago-taxi_dag.py")]
    home = {"AIRFLOW_HOME": str(table.folder / "airflow"), "PYTHONPATH": ""}
    seconds = [measure.run(command, **home).document["seconds"] for _ in range(_TIMES)]
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
