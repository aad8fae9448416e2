"""Stock TFX and this project on the same data, taking turns in one run.

    python -m benchmarks speed --rounds 3 --output benchmarks/RESULTS.md

Every run is a process of its own; wall and CPU seconds include imports. Larger
tables are the real rows with seeded jitter.
"""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import contestants, starts
from benchmarks.contestants import OUR_BATCH, STOCK_BATCH, Table
from benchmarks.measure import Measured
from benchmarks.results import Comparison, Report

REAL_ROWS = 15_002
STOCK_STEPS, STOCK_STEPS_FOR_QUALITY = 1000, 5000
DATA_ONLY_FROM = 1_000_000


@click.command("speed")
@click.option(
    "--rows",
    "sizes",
    multiple=True,
    type=click.IntRange(1000),
    default=(REAL_ROWS, 150_000, 1_500_000),
    show_default=True,
    help=f"From {DATA_ONLY_FROM:,} on, only up to Transform.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--large-rounds",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="For tables larger than the bundled one.",
)
@click.option(
    "--alone",
    multiple=True,
    type=click.IntRange(1000),
    help="Rows of a table that only this project is run on, for time and memory.",
)
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(
    sizes: tuple[int, ...],
    rounds: int,
    large_rounds: int,
    alone: tuple[int, ...],
    output: pathlib.Path | None,
) -> None:
    """Time stock TFX and this project, cold and cached, by node and in total."""
    report = Report()
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            table = Table.make(pathlib.Path(folder), size)
            measure_size(table, rounds if size <= REAL_ROWS else large_rounds, report)
            if size == REAL_ROWS:
                report.quality = quality(table)
                report.starts = list(starts.rows(table))
        save(report, output)
    for size in alone:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            table = Table.make(pathlib.Path(folder), size)
            report.alone[size] = said(f"{size:,} rows: ours", contestants.ours(table))
        save(report, output)
    Console().print(Markdown(report.markdown()))


def save(report: Report, output: pathlib.Path | None) -> None:
    """Writes what there is, so that an interrupted benchmark is not lost."""
    if output:
        output.write_text(report.markdown())


def measure_size(table: Table, rounds: int, report: Report) -> None:
    """Adds one comparison: each round runs everybody once."""
    data_only = table.rows >= DATA_ONLY_FROM
    runs: dict[str, Callable[[], Measured]] = {
        "stock TFX": lambda: contestants.stock(table, steps=STOCK_STEPS, data_only=data_only),
        "this project": lambda: contestants.ours(table, data_only=data_only),
        "cached": lambda: contestants.ours(table, data_only=data_only, cached=True),
    }
    if not data_only:
        runs["plain script"] = lambda: contestants.plain_script(table)
    comparison = Comparison(table.rows, data_only, real_rows=table.rows <= REAL_ROWS)
    for number in range(1, rounds + 1):
        for name, run in runs.items():
            comparison.add(name, said(f"{table.rows:,} rows, round {number}: {name}", run()))
    report.comparisons.append(comparison)


def quality(table: Table) -> list[tuple[str, int, Measured]]:
    """Runs at equal examples seen and at equal quality: name, examples, what was measured."""
    equal_steps = STOCK_STEPS * STOCK_BATCH // OUR_BATCH
    more = STOCK_STEPS_FOR_QUALITY
    return [
        (
            f"stock TFX, {more:,} steps of {STOCK_BATCH}",
            more * STOCK_BATCH,
            said("stock, more steps", contestants.stock(table, steps=more)),
        ),
        (
            f"this project, {equal_steps:,} steps of {OUR_BATCH}",
            equal_steps * OUR_BATCH,
            said("ours, as many examples", contestants.ours(table, steps=equal_steps)),
        ),
    ]


def said(what: str, measured: Measured) -> Measured:
    """Says how long it took: a benchmark takes its time."""
    click.echo(f"{what}: {measured.wall:.1f} s", err=True)
    return measured
