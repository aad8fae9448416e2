"""Stock TFX and this project on the same data, taking turns in one run.

    python -m benchmarks speed --rounds 3

Each round runs stock once from nothing, this project once from nothing, and this
project again with nothing changed. Every run is a process of its own; wall and
CPU seconds include imports.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import click
from rich.console import Console
from rich.table import Table

REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
NODES = ("ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator")


@click.command("speed")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--stock-steps", default=1000, show_default=True, help="Stock's steps of 40 rows.")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(rounds: int, stock_steps: int, output: pathlib.Path | None) -> None:
    """Time a cold run of stock TFX, a cold run of this project, and a cached one."""
    measured: dict[str, list[dict]] = {"stock": [], "cold": [], "cached": []}
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            home = pathlib.Path(folder)
            for name, run in (("stock", stock), ("cold", ours), ("cached", ours)):
                result = run(home, stock_steps)
                measured[name].append(result)
                click.echo(f"round {number}: {name}: {result['wall']:.1f} s", err=True)
    table = summarise(measured)
    Console().print(table)
    if output:
        output.write_text(markdown(measured))


def stock(home: pathlib.Path, steps: int) -> dict:
    """One cold run of stock TFX; seconds by node as ML Metadata has them."""
    command = [sys.executable, "-m", "benchmarks.stock.pipeline", "--steps", str(steps)]
    command += ["--data", str(REPOSITORY / "data" / "taxi"), "--root", str(home / "stock")]
    result, document = timed(command, REPOSITORY)
    nodes = {name: seconds for name, seconds in document["nodes"].items() if name in NODES}
    metrics = {"auc": document["metrics"]["auc"]}
    metrics["binary_accuracy"] = document["metrics"]["binary_accuracy"]
    return {**result, "nodes": {"ExampleGen": document["nodes"]["CsvExampleGen"], **nodes},
            "metrics": metrics, "peak": result["peak"]}  # fmt: skip


def ours(home: pathlib.Path, _: int) -> dict:
    """One run of the bundled example in a copy of it; the second one is cached."""
    project = home / "ours"
    if not project.exists():
        for name in ("data", "schema"):
            shutil.copytree(REPOSITORY / name, project / name)
        shutil.copy(REPOSITORY / "pipeline.yaml", project)
    command = [sys.executable, str(REPOSITORY / "runners" / "local_runner.py"), "--json"]
    result, run = timed(command, project)
    nodes = {name: run["nodes"][name]["seconds"] for name in NODES}
    peak = max(node.get("peak_memory_mb") or 0 for node in run["nodes"].values())
    return {**result, "nodes": nodes, "metrics": run["metrics"], "peak": max(peak, result["peak"])}


def timed(command: list[str], folder: pathlib.Path) -> tuple[dict, dict]:
    """Runs a command that prints JSON; returns wall, CPU seconds and peak MB, and the JSON."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "2"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        ended = f"{' '.join(command)} ended with {done.returncode}"
        raise click.ClickException(f"{ended}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    document = json.loads(done.stdout[done.stdout.index("{") :])
    peak = document.get("peak_memory_mb", 0)
    return {"wall": wall, "cpu": cpu, "peak": peak}, document


def rows(measured: dict[str, list[dict]]) -> list[list[str]]:
    """Median and spread of each figure, and how many times quicker than stock."""
    result = []
    for label, pick in figures():
        values = {name: [pick(run) for run in runs] for name, runs in measured.items()}
        medians = {name: statistics.median(runs) for name, runs in values.items()}
        cells = [f"{medians[n]:.1f} ({min(v):.1f}-{max(v):.1f})" for n, v in values.items()]
        result.append([label, *cells, f"{medians['stock'] / medians['cold']:.1f}"])
    for name in ("auc", "binary_accuracy"):
        cells = [f"{statistics.median(r['metrics'][name] for r in runs):.4f}"
                 for runs in measured.values()]  # fmt: skip
        result.append([name, *cells, ""])
    return result


def figures():
    """Names and readers of what is measured."""
    yield "wall, s", lambda run: run["wall"]
    yield "CPU, s", lambda run: run["cpu"]
    yield "peak memory, MB", lambda run: run["peak"]
    for node in NODES:
        yield f"{node}, s", lambda run, node=node: max(run["nodes"][node], 0.01)


HEADER = ["", "stock TFX, cold", "this project, cold", "this project, cached", "stock / cold"]


def summarise(measured: dict[str, list[dict]]) -> Table:
    table = Table(*HEADER)
    for row in rows(measured):
        table.add_row(*row)
    return table


def markdown(measured: dict[str, list[dict]]) -> str:
    lines = ["| " + " | ".join(HEADER) + " |", "|---" * len(HEADER) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows(measured)]
    return "\n".join(lines) + "\n"
