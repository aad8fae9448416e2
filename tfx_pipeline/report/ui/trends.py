"""The metrics of a pipeline's runs over time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from markupsafe import Markup

from tfx_pipeline.report import charts
from tfx_pipeline.report.ui.listing import Row

_MOST_RUNS = 500


@dataclasses.dataclass(frozen=True)
class Trend:
    """One metric: its chart, its newest value, and the run with the highest and the lowest one."""

    name: str
    drawing: Markup
    newest: float
    lowest: tuple[float, Row]
    highest: tuple[float, Row]
    runs: int


def of_rows(rows: Sequence[Row]) -> list[Trend]:
    """The trends of all metrics that at least one run has.

    Args:
      rows: the newest first; the first 500 that have metrics are drawn.
    """
    with_metrics = [row for row in rows if row.metrics][:_MOST_RUNS][::-1]
    names = dict.fromkeys(name for row in with_metrics for name, _ in row.metrics)
    return [trend for name in names if (trend := _trend(name, with_metrics))]


def _trend(name: str, rows: Sequence[Row]) -> Trend | None:
    points: list[tuple[float, Row]] = []
    for row in rows:
        value = dict(row.metrics).get(name)
        if value is not None and math.isfinite(value):
            points.append((value, row))
    if not points:
        return None
    line = charts.Line(name, [(i + 1.0, value) for i, (value, _) in enumerate(points)])
    label = f"{name} of {len(points)} runs, the oldest first"
    drawing = charts.lines([line], "run, the oldest first", "", label)
    by_value = sorted(points, key=lambda point: point[0])
    return Trend(name, drawing, points[-1][0], by_value[0], by_value[-1], len(points))
