"""What a long history costs: one database with 10 runs, beside one with 2,000.

    python -m benchmarks metadata --output benchmarks/METADATA.md

Each database is made by real runs of the bundled example. One run is then copied as often as
needed, with all its executions, artifacts, events and contexts. Half of the copies are new
throughout, the others are from the cache. Then all nodes of a new, unchanged run start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile
from collections.abc import Iterator

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import measure, metadata_runs
from benchmarks.contestants import Table
from benchmarks.measure import REPOSITORY
from tfx_pipeline.config.environment import METADATA_PASSWORD
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import database

_ROWS = 15_002
_STEPS = "training.steps=200"
_COMMANDS = ("runs", "show", "models")


@dataclasses.dataclass(frozen=True)
class _History:
    """One database: where it is, and how many runs it holds."""

    table: Table
    kind: str
    metadata: str
    runs: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.runs}"

    @property
    def options(self) -> list[str]:
        settings = ["--set", f"metadata={self.metadata}", "--set", _STEPS]
        return [*settings, "--root", str(self.table.folder / self.name)]

    def run(self, run_id: str) -> None:
        command = [sys.executable, str(REPOSITORY / "runners" / "local_runner.py")]
        measure.run([*command, *self.options, "--run-id", run_id], self.table.folder)

    def compiled(self, run_id: str) -> pathlib.Path:
        runs = self.table.folder / self.name / "chicago-taxi" / "runs"
        return runs / run_id / "pipeline.pb"

    def seconds(self, command: str) -> float:
        """Wall seconds of a command, imports included."""
        whole = [sys.executable, "-m", "tfx_pipeline", command, *self.options]
        return measure.run(whole, self.table.folder).wall


@click.command("metadata")
@click.option("--runs", "sizes", multiple=True, type=click.IntRange(3), default=(10, 2000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--mariadb/--no-mariadb", default=True, help="Also measure a MariaDB server.")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(
    sizes: tuple[int, ...], rounds: int, mariadb: bool, output: pathlib.Path | None
) -> None:
    """Measure nodes and commands with few and with many runs in one database."""
    taken: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, _server(mariadb) as server:
        table = Table.make(pathlib.Path(folder), _ROWS)
        for kind in ["SQLite", *(["MariaDB"] if server else [])]:
            for size in sizes:
                where = "sqlite" if kind == "SQLite" else f"{server}runs_{size}"
                history = _History(table, kind, where, size)
                taken[f"{kind}, {size:,} runs"] = _measured(history, rounds)
    text = _markdown(taken)
    if output is not None:
        output.write_text(text)
    Console().print(Markdown(text))


@contextlib.contextmanager
def _server(wanted: bool) -> Iterator[str]:
    """A MariaDB server; yields the beginning of its URI, empty if none is wanted."""
    if not wanted:
        yield ""
        return
    from tests import mariadb

    with mariadb.serve() as server:
        os.environ[METADATA_PASSWORD] = mariadb.PASSWORD
        yield server.uri("")


def _measured(history: _History, rounds: int) -> dict[str, float]:
    history.run("first")
    compiled = history.compiled("first")
    connection = pipeline_ir.metadata_connection(pipeline_ir.read(compiled))
    metadata_runs.add(database.open_store(connection), "first", history.runs - 3)
    click.echo(f"{history.name}: filled", err=True)
    history.run("second")  # with the baseline that the copies have made
    history.run("third")
    ids = [f"measured-{number}" for number in range(rounds + 1)]
    nodes = [sys.executable, "-m", "benchmarks.metadata_nodes", str(compiled), *ids]
    runs = measure.run(nodes, history.table.folder).document["runs"]
    result: dict[str, float] = {}
    for name in runs[0]:
        if any(run[name]["executed"] for run in runs):
            raise click.ClickException(f"{history.name}: {name} was not taken from the cache")
        result[f"{name}, ms"] = statistics.median(run[name]["ms"] for run in runs)
    totals = [sum(node["ms"] for node in run.values()) for run in runs]
    result["all nodes, ms"] = statistics.median(totals)
    of_tfx = [sum(node["tfx_ms"] for node in run.values()) for run in runs]
    result["of it in TFX's launcher, ms"] = statistics.median(of_tfx)
    for name in _COMMANDS:
        seconds = [history.seconds(name) for _ in range(rounds)]
        result[f"`tfx-pipeline {name}`, ms"] = 1000 * statistics.median(seconds)
    click.echo(f"{history.name}: {totals}", err=True)
    return result


def _markdown(taken: dict[str, dict[str, float]]) -> str:
    columns = list(taken)
    heads = [head for pair in _pairs(columns) for head in (*pair, "ratio")]
    lines = [f"|  | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for row in taken[columns[0]]:
        cells = []
        for few, many in _pairs(columns):
            values = taken[few][row], taken[many][row]
            cells += [*(f"{value:,.0f}" for value in values), f"{values[1] / values[0]:.2f}"]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _pairs(columns: list[str]) -> list[tuple[str, str]]:
    return list(zip(columns[::2], columns[1::2]))
