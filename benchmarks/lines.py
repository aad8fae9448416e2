"""Both lines of TFX on the bundled example, taking turns in one run.

    python -m benchmarks lines --rounds 3 --output benchmarks/LINES.md

`scripts/other_line.sh` gives the other line an environment. Every run is a process of its
own and a cold one: new folders, nothing cached. Seconds of a node are those of its own
process; the first row is the whole command with all imports.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.results import cell, machine
from tfx_pipeline.compat import lines

PROJECT = pathlib.Path(__file__).resolve().parent.parent
RUN = ("runners/local_runner.py", "--json")
TIMED = """
TIMEFORMAT="%R %U %S"
root=$(mktemp -d)
time "$@" --root "$root"
code=$?
rm -r "$root"
exit $code
"""
"""Bash runs the rest, and writes wall, user and system seconds as the last line of errors."""
NOT_HERE = 69
"""The exit code of `other_line.sh` where the other line cannot be had."""


@dataclasses.dataclass
class Run:
    """One cold run of the bundled example.

    Attributes:
      seconds: by what: `whole command` (wall), `whole command, CPU`, and each node (wall).
      metrics: of the model on the test split.
    """

    seconds: dict[str, float]
    metrics: dict[str, float]


@click.command("lines")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--output", type=click.Path(path_type=pathlib.Path), help="Also write Markdown here.")
def command(rounds: int, output: pathlib.Path | None) -> None:
    """Time the bundled example on TFX 1.16 and on TFX 1.21, cold, by node."""
    here = lines.installed()
    other = ({lines.OLDER, lines.NEWER} - {here}).pop()
    found: dict[str, list[Run]] = {lines.OLDER: [], lines.NEWER: []}
    for number in range(1, rounds + 1):
        found[here].append(run([], sys.executable))
        click.echo(f"round {number}: {here}", err=True)
        found[other].append(run(["sh", "scripts/other_line.sh"], ".venv/bin/python"))
        click.echo(f"round {number}: {other}", err=True)
    text = page(found, rounds)
    if output:
        output.write_text(text)
    Console().print(Markdown(text))


def run(environment: list[str], python: str) -> Run:
    """Runs the example with a Python of one of the lines.

    Args:
      environment: a command that runs the rest where that Python is; its time does not count.

    Raises:
      click.ClickException: the run failed, or the other line cannot be had here.
    """
    done = subprocess.run(
        [*environment, "bash", "-c", TIMED, "bash", python, *RUN],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        what = "the other line cannot be had" if done.returncode == NOT_HERE else "a run failed"
        raise click.ClickException(f"{what}:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    wall, user, system = map(float, done.stderr.split()[-3:])
    seconds = {"whole command": wall, "whole command, CPU": user + system}
    seconds |= {name: node["seconds"] for name, node in result["nodes"].items()}
    return Run(seconds, result["metrics"])


def page(found: dict[str, list[Run]], rounds: int) -> str:
    """The measurements as Markdown: medians, and in brackets the least and the most."""
    older, newer = found[lines.OLDER], found[lines.NEWER]
    text = [
        "# Both lines of TFX, side by side",
        "",
        machine(),
        "",
        f"Written by `python -m benchmarks lines --rounds {rounds} --output benchmarks/LINES.md`.",
        "The bundled example, cold: medians of wall seconds (least-most). The last column is the",
        "median of the newer line over that of the older one.",
        "",
        f"|  | TFX {lines.OLDER} | TFX {lines.NEWER} | {lines.NEWER} / {lines.OLDER} |",
        "|---|---|---|---|",
    ]
    for name in older[0].seconds:
        one, two = ([each.seconds[name] for each in runs] for runs in (older, newer))
        ratio = statistics.median(two) / max(statistics.median(one), 1e-9)
        text.append(f"| {name} | {cell(one)} | {cell(two)} | {ratio:.2f} |")
    for name in older[0].metrics:
        values = [f"{runs[0].metrics[name]:.4f}".rstrip("0").rstrip(".") for runs in (older, newer)]
        text.append(f"| {name} | {values[0]} | {values[1]} |  |")
    return "\n".join(text) + "\n"
