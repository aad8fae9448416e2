"""`init`, a run and served predictions on public tables with no edit; `init` on a large table.

python -m benchmarks tables --output benchmarks/TABLES.md
"""

from __future__ import annotations

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

import click
import numpy as np
import pyarrow as pa
from pyarrow import csv

from benchmarks import served_rows
from tests.profiling.tables import TABLES, PublicTable

_HEAD = """\
# Public tables

Tables that ship inside packages, written to CSV as they are. For each: `tfx-pipeline init`,
`run`, `serve` and `predict`, with no edit in between. Made by
`python -m benchmarks tables --output benchmarks/TABLES.md`; metrics are on the test split.

- **treatments**: how many columns `init` treats in which way; `left out` are no features.
- **served = model**: `predict` sends the CSV file to a server; the model is asked in TensorFlow for
  ExampleGen's tf.Examples. Both sets of predictions, sorted, differ by no more than the number.
- **init**, **run**: seconds on this machine of two cores, with other work beside.
- **gates**: what `drift` and `skew`, which `init` switches on, reported.

| table | rows | columns | task | treatments | metrics | init | run | served = model | gates |
|---|--:|--:|---|---|---|--:|--:|---|---|"""


@click.command("tables")
@click.option("--table", "names", multiple=True, type=click.Choice([*TABLES]), help="Only these.")
@click.option("--rows", default=1_000_000, show_default=True, help="Of the large table; 0: none.")
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="The page to write.")
def command(names: tuple[str, ...], rows: int, output: pathlib.Path | None) -> None:
    """Run `init`, the pipeline and predictions on public tables, and `init` on a large one."""
    lines = [_HEAD]
    with tempfile.TemporaryDirectory() as folder:
        for name in names or TABLES:
            lines.append(_row(name, TABLES[name], pathlib.Path(folder)))
            click.echo(lines[-1])
        if rows:
            lines += ["", _large(rows, pathlib.Path(folder))]
            click.echo(lines[-1])
    if output:
        output.write_text("\n".join(lines) + "\n")


def _row(name: str, table: PublicTable, folder: pathlib.Path) -> str:
    """The line of one table."""
    file = table.write(folder / f"{name}.csv")
    project = folder / name
    arguments = ["init", str(file), "--label", table.label, "--output", str(project), "--json"]
    written, init_seconds = _tfx_pipeline(folder, *arguments)
    if "columns" not in written:
        return f"| {name} | | | {table.task} | | {_error(written)} | {init_seconds:.1f} s | | | |"
    run, run_seconds = _tfx_pipeline(project, "run", "--json")
    metrics = ", ".join(
        f"{key} {value:.4g}"
        for key, value in (run.get("metrics") or {}).items()
        if value is not None and key != "example_count"
    )
    if not run.get("pushed_model"):
        metrics = f"{run.get('state')}: {_error(run) or metrics}"
    cells = [
        name,
        f"{written['rows']:,}",
        str(len(written["columns"]) + 1),
        written["label"]["task"],
        _treatments(written["columns"]),
        metrics,
        f"{init_seconds:.1f} s",
        f"{run_seconds:.0f} s",
        served_rows.compared(project, written["name"], file, run) if metrics else "",
        _findings(run),
    ]
    return f"| {' | '.join(cells)} |"


def _treatments(columns: Mapping[str, Any]) -> str:
    counts = collections.Counter(
        column["treatment"].get("transform", "own") if column["treatment"] else "left out"
        for column in columns.values()
    )
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _findings(run: Mapping[str, Any]) -> str:
    """What the gates have found; the run's JSON names the artifact."""
    outputs = run.get("nodes", {}).get("ExampleValidator", {}).get("outputs", {})
    for uri in outputs.get("anomalies", ()):
        file = pathlib.Path(uri) / "data_checks.json"
        if file.exists():
            checks = json.loads(file.read_text())["checks"]
            changed = [c for c in checks if c["state"] == "changed"]
            return ", ".join(f"{c['gate']} in {c['feature']}" for c in changed) or "nothing"
    return ""


def _error(document: Mapping[str, Any]) -> str:
    """The message of a command or of a node that failed."""
    errors = [document.get("error"), *(n.get("error") for n in document.get("nodes", {}).values())]
    messages = [e.get("message", "") if isinstance(e, dict) else str(e) for e in errors if e]
    return messages[0].partition("\n")[0] if messages else ""


def _tfx_pipeline(folder: pathlib.Path, *arguments: str) -> tuple[dict[str, Any], float]:
    """What a command prints as JSON, and its seconds."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tfx_pipeline", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    try:
        return dict(json.loads(done.stdout)), seconds
    except ValueError:
        return {"error": {"message": done.stderr[-500:]}}, seconds


def _large(rows: int, folder: pathlib.Path) -> str:
    """Time and memory of `init` on 30 columns: numbers, codes, categories, dates."""
    numbers = np.random.default_rng(1)
    columns: dict[str, Any] = {"id": np.arange(rows)}
    columns |= {f"number{i}": np.round(numbers.normal(100, 20, rows), 3) for i in range(14)}
    columns |= {f"integer{i}": numbers.integers(0, 10 ** (i + 1), rows) for i in range(7)}
    for i in range(5):
        values = numbers.integers(0, 10 ** (i + 1), rows).astype(str)
        columns[f"category{i}"] = np.char.add("v", values)
    days = numbers.integers(0, 1500, rows).astype("timedelta64[D]")
    columns["day"] = np.datetime64("2020-01-01") + days
    columns["customer_id"] = numbers.integers(0, rows // 10, rows)
    columns["label"] = numbers.integers(0, 2, rows)
    file = folder / "large.csv"
    csv.write_csv(pa.table({name: pa.array(values) for name, values in columns.items()}), file)
    # The peak of all children is that of `init` only if no run was larger: a process of its own.
    program = (
        "import resource, subprocess, sys; "
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    arguments = ["init", str(file), "--label", "label", "--output", str(folder / "large")]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, sys.executable, "-m", "tfx_pipeline", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.monotonic() - started
    code, cpu, peak = done.stdout.split()
    assert code == "0", done.stderr
    size = f"{rows:,} rows x {len(columns)} columns"
    memory = int(peak) / 1024
    return f"`init` on {size}: {seconds:.1f} s, {float(cpu):.1f} CPU-s, {memory:.0f} MB at most."
