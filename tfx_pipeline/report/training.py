"""The curves of the training, from the Trainer's history.json."""

from __future__ import annotations

import dataclasses
from typing import Any

from markupsafe import Markup

from tfx_pipeline.report import charts, file_names
from tfx_pipeline.report.run_facts import RunFacts

_EPOCH, _RUNS = "epoch_", ("train", "validation")


@dataclasses.dataclass(frozen=True)
class Curve:
    """One measure of the training, for each of the data sets.

    Attributes:
      rows: the step or epoch, and one value for each line, for the table.
    """

    name: str
    lines: list[charts.Line]
    drawing: Markup
    rows: list[tuple[float, list[float | None]]]


@dataclasses.dataclass(frozen=True)
class Training:
    """The curves, and the number of steps that was set."""

    curves: list[Curve]
    unit: str
    steps: int | None


def read(facts: RunFacts) -> Training | None:
    """The training of a run; None if there is no history."""
    artifact = facts.artifact("ModelRun")
    series = artifact.document(file_names.HISTORY).get("series", {}) if artifact else {}
    if not series:
        return None
    steps = _steps(series)
    unit = "steps" if steps else "epoch"
    tags = dict.fromkeys(tag for of_run in series.values() for tag in of_run)
    chosen = [tag for tag in tags if tag.startswith(_EPOCH)] or list(tags)
    chosen.sort(key=lambda tag: ("loss" not in tag, "learning_rate" in tag))
    curves = [_curve(tag, series, steps, unit) for tag in chosen[:6]]
    node = facts.node("Trainer")
    wanted = node.setting("steps") if node else None
    return Training(curves, unit, int(wanted) if isinstance(wanted, (int, float)) else None)


def _steps(series: dict[str, Any]) -> list[float]:
    """The step at the end of each epoch, which Keras only writes for the validation."""
    points = series.get("validation", {}).get("evaluation_loss_vs_iterations", [])
    epochs = series.get("validation", {}).get("epoch_loss", [])
    return [point[0] for point in points] if len(points) == len(epochs) else []


def _curve(tag: str, series: dict[str, Any], steps: list[float], unit: str) -> Curve:
    names = [*(run for run in _RUNS if run in series), *(run for run in series if run not in _RUNS)]
    lines: list[charts.Line] = []
    for name in names:
        points = series[name].get(tag, [])
        if points:
            at = steps if len(steps) == len(points) else [point[0] + 1 for point in points]
            values = [(x, point[1]) for x, point in zip(at, points, strict=True)]
            lines.append(charts.Line(name, values, len(lines)))
    title = tag.removeprefix(_EPOCH).replace("_", " ")
    drawing = charts.lines(lines, unit, "", f"{title} by {unit}")
    by_line = [dict(line.points) for line in lines]
    at = sorted({x for of_line in by_line for x in of_line})
    shown = at if len(at) <= 30 else at[:: len(at) // 30 + 1]
    rows = [(x, [of_line.get(x) for of_line in by_line]) for x in shown]
    return Curve(title, lines, drawing, rows)
