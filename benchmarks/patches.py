"""What each patch of another library saves: runs without it, beside runs with all of them.

    python -m benchmarks patches --rounds 3 --output benchmarks/PATCHES.md

CPU seconds of the whole process tree, which other load on the machine changes less than
wall time. A round runs with all patches, then without each in turn.
"""

from __future__ import annotations

import pathlib
import shutil
import statistics
import tempfile
from collections.abc import Callable

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import contestants, measure, rows
from benchmarks.contestants import Table
from benchmarks.stock import templates
from tfx_pipeline.compat.table import PATCHES
from tfx_pipeline.config import environment

_ALL, _NONE = "all patches", "no patch"


@click.command("patches")
@click.option("--rows", "sizes", multiple=True, type=int, default=(15_002, 1_500_000))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--only", multiple=True, metavar="NAME", help="Only these patches.")
@click.option(
    "--template",
    is_flag=True,
    help="Run TFX's taxi template with this project's components: executors of TFX work there.",
)
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(
    sizes: tuple[int, ...],
    rounds: int,
    only: tuple[str, ...],
    template: bool,
    output: pathlib.Path | None,
) -> None:
    """Measure what each patch of another library saves."""
    cases = {_ALL: "0", _NONE: "1"}
    cases |= {p.name: p.name for p in PATCHES if not only or p.name in only}
    taken: dict[int, dict[str, list[float]]] = {}
    for size in sizes:
        taken[size] = {case: [] for case in cases}
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            prepare = _template if template else _example
            run_with = prepare(pathlib.Path(folder), size)
            for number in range(rounds):
                for case, switch in cases.items():
                    run = run_with(switch)
                    taken[size][case].append(run.cpu)
                    click.echo(f"{size:,} rows, round {number + 1}, {case}: {run.cpu:.1f} s")
        text = _markdown(taken)
        if output is not None:
            output.write_text(text)
    Console().print(Markdown(text))


def _example(folder: pathlib.Path, size: int) -> Callable[[str], measure.Measured]:
    """Runs the bundled example with a value of TFX_PIPELINE_PLAIN."""
    table = Table.make(folder, size)
    return lambda switch: contestants.ours(table, **{environment.PLAIN: switch})


def _template(folder: pathlib.Path, size: int) -> Callable[[str], measure.Measured]:
    """The same for TFX's taxi template, with the import of its components changed."""
    project = templates.use_components(templates.use_local_runner(templates.taxi(folder / "taxi")))
    rows.write(templates.TAXI_DATA, project / "data" / "data.csv", size)

    def run(switch: str) -> measure.Measured:
        for results in project.glob("tfx_*"):
            shutil.rmtree(results)
        return contestants.template(project, **{environment.PLAIN: switch})

    return run


def _markdown(taken: dict[int, dict[str, list[float]]]) -> str:
    lines = ["CPU seconds of a whole run, median (smallest to largest); saved: the median of the"]
    lines += ["differences to the run with all patches in the same round.", ""]
    heads = [f"{size:,} rows | saved | of the run" for size in taken]
    lines += [f"| without | {' | '.join(heads)} |", "|---|" + "---|" * 3 * len(heads)]
    for case in next(iter(taken.values())):
        cells = [cell for size in taken for cell in _cells(taken[size], case)]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cells(taken: dict[str, list[float]], case: str) -> list[str]:
    runs, whole = taken[case], taken[_ALL]
    if not runs:
        return ["", "", ""]
    seconds = f"{statistics.median(runs):.1f} ({min(runs):.1f}-{max(runs):.1f})"
    if case == _ALL:
        return [seconds, "", ""]
    saved = statistics.median(run - before for run, before in zip(runs, whole))
    return [seconds, f"{saved:.1f}", f"{100 * saved / statistics.median(whole):.0f} %"]
