"""TFX's taxi template by TFX's runner, by this project's, and with this project's components.

    python -m benchmarks templates --rounds 3 --output benchmarks/TEMPLATES.md

Everything else is the template's own: pipeline, preprocessing, model, and the evaluation.
Each run is a process of its own, so wall and CPU seconds include all imports.
"""

from __future__ import annotations

import pathlib
import shutil
import tempfile

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import contestants, measure, results, rows
from benchmarks.stock import templates

_STOCK = "TFX's LocalDagRunner"
_RUNNER = "LocalRunner"
_CACHED = "LocalRunner, second run"
_COMPONENTS = "LocalRunner, components imported from tfx_pipeline"
_REAL_ROWS = 15_002


@click.command("templates")
@click.option(
    "--rows",
    "sizes",
    multiple=True,
    type=click.IntRange(1000),
    default=(_REAL_ROWS, 150_000),
    show_default=True,
    help="The first 15,002 are real, the others copies with jitter.",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(sizes: tuple[int, ...], rounds: int, output: pathlib.Path | None) -> None:
    """Time TFX's taxi template, unchanged and with its imports changed."""
    taken: dict[int, dict[str, list[measure.Measured]]] = {}
    for size in sizes:
        taken[size] = {case: [] for case in (_STOCK, _RUNNER, _CACHED, _COMPONENTS)}
        for number in range(1, rounds + 1):
            with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
                for case, project in _projects(pathlib.Path(folder), size).items():
                    run = contestants.template(project)
                    taken[size][case].append(run)
                    click.echo(f"{size:,} rows, round {number}: {case}: {run.wall:.1f} s", err=True)
        text = _markdown(taken)
        if output is not None:
            output.write_text(text)
    Console().print(Markdown(text))


def _projects(folder: pathlib.Path, size: int) -> dict[str, pathlib.Path]:
    """The template's folder for each case."""
    data = folder / "data.csv"
    rows.write(templates.TAXI_DATA, data, size)
    stock, runner, components = (templates.taxi(folder / name) for name in "abc")
    for project in (stock, runner, components):
        shutil.copy(data, project / "data" / "data.csv")
    templates.use_local_runner(runner, "cache=True")
    templates.use_components(templates.use_local_runner(components))
    return {_STOCK: stock, _RUNNER: runner, _CACHED: runner, _COMPONENTS: components}


def _markdown(taken: dict[int, dict[str, list[measure.Measured]]]) -> str:
    lines = ["# TFX's taxi template, with two lines changed and with its import changed", ""]
    lines += [results.machine(), "", "Written by `python -m benchmarks templates`. Median", ""]
    lines[-2] += " (smallest to largest) of runs that took turns; 200 steps of training."
    for size, cases in taken.items():
        lines += [f"## {size:,} rows", "", "| | wall, s | CPU, s | times quicker, wall |"]
        lines.append("|---|---|---|---|")
        for case, runs in cases.items():
            walls, cpus = [run.wall for run in runs], [run.cpu for run in runs]
            ratios = [stock.wall / run.wall for stock, run in zip(cases[_STOCK], runs)]
            cells = [case, results.cell(walls), results.cell(cpus), results.cell(ratios)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"
