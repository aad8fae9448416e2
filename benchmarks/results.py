"""The benchmark's tables, as Markdown."""

from __future__ import annotations

import dataclasses
import datetime
import os
import pathlib
import platform
import statistics
import sys
from collections.abc import Callable, Iterator

from benchmarks.contestants import DATA_NODES, NODES
from benchmarks.measure import Measured, Node

STOCK, OURS, CACHED, PLAIN = "stock TFX", "this project", "cached", "plain script"
Figure = Callable[[Measured], float]


@dataclasses.dataclass
class Comparison:
    """All runs on one table.

    Attributes:
      rows: how many it has.
      data_only: whether the runs end with Transform.
      real_rows: whether all rows are real. Where rows are jittered copies, near copies of
        test rows are in the training split, and metrics mean nothing.
    """

    rows: int
    data_only: bool
    real_rows: bool
    runs: dict[str, list[Measured]] = dataclasses.field(default_factory=dict)

    def add(self, name: str, measured: Measured) -> None:
        self.runs.setdefault(name, []).append(measured)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """What is shown of a run, and how it is read."""
        yield "wall, s", lambda run: run.wall
        yield "CPU, s", lambda run: run.cpu
        yield "peak memory, MB", lambda run: run.peak
        nodes = DATA_NODES if self.data_only else NODES
        for node in nodes:
            yield f"{node}, wall s", lambda run, node=node: run.nodes[node].wall
            yield f"{node}, CPU s", lambda run, node=node: run.nodes[node].cpu
        yield f"{' + '.join(DATA_NODES)}, wall s", _together("wall")
        yield f"{' + '.join(DATA_NODES)}, CPU s", _together("cpu")

    def table(self) -> list[list[str]]:
        """Header and rows: medians with their spread, and how many times stock's is ours."""
        names = list(self.runs)
        result = [["", *names, f"{STOCK} / {OURS}"]]
        for label, figure in self.figures():
            values = {name: self._values(name, figure) for name in names}
            cells = [cell(values[name]) for name in names]
            result.append([label, *cells, _ratio(values[STOCK], values[OURS])])
        for metric in ("auc", "binary_accuracy") if self.real_rows and not self.data_only else ():
            cells = [f"{_metric(self.runs[name], metric):.4f}" for name in names]
            result.append([metric, *cells, ""])
        return result

    def _values(self, name: str, figure: Figure) -> list[float]:
        try:
            return [figure(run) for run in self.runs[name]]
        except KeyError:  # the plain script has no nodes
            return []


def _together(kind: str) -> Figure:
    return lambda run: sum(getattr(run.nodes[node], kind) for node in DATA_NODES)


def _metric(runs: list[Measured], name: str) -> float:
    return statistics.median(run.document["metrics"][name] for run in runs)


def cell(values: list[float]) -> str:
    """The median, and the least and the most in brackets; empty without values."""
    if not values:
        return ""
    median = f"{statistics.median(values):,.1f}"
    return median if len(values) == 1 else f"{median} ({min(values):,.1f}-{max(values):,.1f})"


def _ratio(stock: list[float], ours: list[float]) -> str:
    """The median of the rounds' ratios, with their spread."""
    ratios = [s / max(o, 0.01) for s, o in zip(stock, ours)]
    return cell(ratios)


@dataclasses.dataclass
class Report:
    """Everything that was measured."""

    comparisons: list[Comparison] = dataclasses.field(default_factory=list)
    quality: list[tuple[str, int, Measured]] = dataclasses.field(default_factory=list)
    starts: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    alone: dict[int, Measured] = dataclasses.field(default_factory=dict)

    def markdown(self) -> str:
        """The whole page."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from ("# Stock TFX and this project, side by side", "", machine(), "")
        yield f"Written by `python -m benchmarks {' '.join(_arguments())}`."
        for comparison in self.comparisons:
            what = ", up to Transform" if comparison.data_only else ""
            yield from ("", f"## {comparison.rows:,} rows{what}", "")
            yield from _markdown(comparison.table())
        if self.quality:
            yield from ("", "## At equal examples, and at equal quality", "")
            yield from _markdown(self._quality_table())
        if self.starts:
            yield from ("", "## What is started often", "")
            yield from _markdown([["", "wall, s"], *map(list, self.starts)])
        for rows, run in self.alone.items():
            yield from ("", f"## {rows:,} rows, this project alone", "")
            yield from _markdown(_alone_table(run))

    def _quality_table(self) -> list[list[str]]:
        header = ["", "examples seen, at most", "AUC", "accuracy", "wall, s", "CPU, s"]
        first = self.comparisons[0].runs
        known = [
            ("stock TFX, 1,000 steps of 40", 40_000, first[STOCK][0]),
            ("this project, 1,000 steps of 256, stops early", 256_000, first[OURS][0]),
        ]
        return [header, *(_quality_row(*row) for row in (*known, *self.quality))]


def _quality_row(name: str, examples: int, run: Measured) -> list[str]:
    metrics = run.document["metrics"]
    quality = [f"{metrics['auc']:.4f}", f"{metrics['binary_accuracy']:.4f}"]
    return [name, f"{examples:,}", *quality, f"{run.wall:.1f}", f"{run.cpu:.1f}"]


def _alone_table(run: Measured) -> list[list[str]]:
    total = [["in total", f"{run.wall:,.1f}", f"{run.cpu:,.1f}", f"{run.peak:,.0f}"]]
    nodes: dict[str, Node] = {name: run.nodes[name] for name in NODES}
    rows = [[name, f"{node.wall:,.1f}", f"{node.cpu:,.1f}", ""] for name, node in nodes.items()]
    return [["", "wall, s", "CPU, s", "peak memory, MB"], *rows, *total]


def _markdown(table: list[list[str]]) -> Iterator[str]:
    header, *rows = table
    yield f"| {' | '.join(header)} |"
    yield "|---" * len(header) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def machine() -> str:
    """Date and machine in one line."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    cores, load = os.cpu_count(), os.getloadavg()[0]
    python = platform.python_version()
    return f"{today}, {_processor()}, {cores} cores, load {load:.1f} at the end, Python {python}."


def _processor() -> str:
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _arguments() -> list[str]:
    return sys.argv[1:]
