"""Metrics, thresholds, slices and curves, from the Evaluator's details.json and settings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from tfx_pipeline.config.metric_catalog import METRICS
from tfx_pipeline.report import charts, file_names
from tfx_pipeline.report.run_facts import RunFacts

_COUNTS = ("example_count", "weighted_example_count")


@dataclasses.dataclass(frozen=True)
class Rule:
    """A threshold: its words, its limit, and whether it was met; None if it was not compared."""

    text: str
    limit: float | None
    met: bool | None


@dataclasses.dataclass(frozen=True)
class MetricRow:
    """One metric of all rows."""

    name: str
    meaning: str
    value: float | None
    interval: tuple[float, float] | None
    baseline: float | None
    better: bool | None
    rules: tuple[Rule, ...]
    undefined: str = ""

    @property
    def directed(self) -> bool:
        """Whether a model improves in one direction of it."""
        return self.name in METRICS and METRICS[self.name].higher_is_better is not None

    @property
    def drawing(self) -> Markup:
        """The value, its interval and its limit."""
        if self.value is None or self.interval is None:
            return Markup("")
        limit = next((rule.limit for rule in self.rules if rule.limit is not None), None)
        return charts.interval(self.value, *self.interval, limit)


@dataclasses.dataclass(frozen=True)
class SliceRow:
    """One slice: its name, its rows, its main metric, and how far that is from all rows'.

    Attributes:
      clearly: whether the interval of the slice excludes the metric of all rows.
    """

    name: str
    rows: int
    values: dict[str, float | None]
    interval: tuple[float, float] | None
    difference: float | None
    weaker: bool
    clearly: bool


@dataclasses.dataclass(frozen=True)
class Importance:
    """How much worse the main metric is when the values of a column are shuffled."""

    column: str
    loss: float
    share: float


@dataclasses.dataclass(frozen=True)
class WeakSlice:
    """A slice that nobody has named, on which the model does worse than on other rows.

    Attributes:
      loss, other_loss: the mean loss of its rows, and of all others.
      value, interval: the main metric of its rows.
    """

    name: str
    rows: int
    loss: float
    other_loss: float
    value: float | None
    interval: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class WeakSlices:
    """What was found among all values of single columns; `rows` were looked at."""

    slices: list[WeakSlice]
    rows: int
    tested: int
    loss: str


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What the Evaluator found.

    Attributes:
      names: the configured metrics, in order.
      main: the metric that slices are compared by; the first that has a direction.
      others: metrics of the task that are not configured.
      curves: of the candidate, see docs/report.md.
    """

    task: str
    names: list[str]
    main: str
    metrics: list[MetricRow]
    others: list[MetricRow]
    slices: list[SliceRow]
    curves: Mapping[str, Any]
    baseline_curves: Mapping[str, Any]
    baseline_run: str
    importance: list[Importance]
    importance_rows: int
    weak: WeakSlices | None = None

    @property
    def has_baseline(self) -> bool:
        """Whether a baseline was evaluated too."""
        return any(metric.baseline is not None for metric in self.metrics)


def read(facts: RunFacts) -> Evaluation | None:
    """The evaluation of a run; None if no model was evaluated."""
    artifact = facts.artifact("ModelEvaluation")
    if artifact is None and not facts.run.metrics:
        return None
    details = artifact.document(file_names.DETAILS) if artifact else {}
    slices = details.get("slices") or []
    overall = slices[0] if slices and not slices[0].get("slice") else {}
    candidate, baseline = overall.get("candidate", {}), overall.get("baseline", {})
    values = {**candidate.get("metrics", {}), **facts.run.metrics}
    stored = artifact.properties.get("baseline_metrics") if artifact else None
    of_baseline = baseline.get("metrics") or json.loads(str(stored or "{}"))
    task = str(details.get("task") or facts.task)
    names = list(facts.run.metrics)
    thresholds = _thresholds(facts)
    rows = [
        _row(name, values[name], candidate.get("intervals", {}), of_baseline, thresholds, facts)
        for name in [*names, *(n for n in values if n not in names)]
    ]
    main = next((n for n in names if n in METRICS and METRICS[n].higher_is_better is not None), "")
    return Evaluation(
        task,
        names,
        main,
        rows[: len(names)],
        rows[len(names) :],
        list(_slices(slices, names, main, values.get(main))) if main else [],
        candidate.get("curves", {}),
        baseline.get("curves", {}),
        _baseline_run(facts),
        _importance(details.get("importance", {}), main),
        int(details.get("importance", {}).get("metrics", {}).get("example_count") or 0),
        _weak_slices(details.get("weak_slices") or {}, main),
    )


def _weak_slices(found: Mapping[str, Any], main: str) -> WeakSlices | None:
    if not found.get("tested"):
        return None
    slices = []
    for of_slice in found["slices"]:
        name = ", ".join(f"{column}: {text}" for column, text in of_slice["slice"])
        slices.append(
            WeakSlice(
                name,
                int(of_slice["metrics"].get("example_count") or 0),
                of_slice["loss"],
                of_slice["other_loss"],
                of_slice["metrics"].get(main),
                _interval(of_slice["intervals"], main),
            )
        )
    return WeakSlices(slices, found["rows"], found["tested"], found["loss"])


def _interval(intervals: Mapping[str, Sequence[float]], name: str) -> tuple[float, float] | None:
    low_and_high = intervals.get(name)
    return (low_and_high[0], low_and_high[1]) if low_and_high else None


def _baseline_run(facts: RunFacts) -> str:
    """The run that made the model which the candidate was compared with."""
    blessing = facts.artifact("ModelBlessing")
    wanted = blessing.properties.get("baseline_model_id") if blessing else None
    return next((a.made_by for a in facts.artifacts if wanted and a.id == wanted), "")


def _thresholds(facts: RunFacts) -> dict[str, dict[str, Any]]:
    """TFMA's thresholds by our names of metrics."""
    node = facts.node("Evaluator")
    config = node.setting("eval_config") if node else None
    result: dict[str, dict[str, Any]] = {}
    for spec in (config or {}).get("metrics_specs", []) if isinstance(config, dict) else []:
        for metric in spec.get("metrics", []):
            name = json.loads(metric.get("config") or "{}").get("name") or metric.get("class_name")
            for of_slice in metric.get("per_slice_thresholds", []):
                result.setdefault(name, {}).update(of_slice.get("threshold", {}))
            if "threshold" in metric:
                result.setdefault(name, {}).update(metric["threshold"])
    return result


def _row(
    name: str,
    value: float | None,
    intervals: Mapping[str, list[float]],
    baseline: Mapping[str, float | None],
    thresholds: Mapping[str, Mapping[str, Any]],
    facts: RunFacts,
) -> MetricRow:
    known = METRICS.get(name)
    of_baseline = baseline.get(name)
    return MetricRow(
        name,
        known.meaning if known else "",
        value,
        _interval(intervals, name),
        of_baseline,
        is_better(name, value, of_baseline),
        tuple(_rules(name, value, of_baseline, thresholds.get(name, {}), facts)),
        facts.run.undefined_metrics.get(name, "") if value is None else "",
    )


def is_better(name: str, value: float | None, other: float | None) -> bool | None:
    """Whether a metric is better than another value of it; None if neither is."""
    higher = METRICS[name].higher_is_better if name in METRICS else None
    if value is None or other is None or higher is None or value == other:
        return None
    return (value > other) == higher


def _rules(
    name: str,
    value: float | None,
    baseline: float | None,
    threshold: Mapping[str, Any],
    facts: RunFacts,
) -> Iterator[Rule]:
    """The thresholds; whether they are met is what the Evaluator found, not judged again."""
    missed = _missed(facts)
    bounds = threshold.get("value_threshold", {})
    for key, word in (("lower_bound", "min"), ("upper_bound", "max")):
        if key in bounds:
            limit = float(bounds[key])
            text = f"{word} {limit:g}"
            words = "at least" if word == "min" else "at most"
            yield Rule(f"{words} {limit:g}", limit, (name, text) not in missed)
    change = threshold.get("change_threshold", {})
    if "absolute" in change:
        allowed = abs(float(change["absolute"]))
        text = f"not worse than the baseline by {allowed:g}"
        met = None if baseline is None else (name, text) not in missed
        yield Rule(f"not worse than the baseline by more than {allowed:g}", None, met)


def _missed(facts: RunFacts) -> set[tuple[str, str]]:
    blessing = facts.artifact("ModelBlessing")
    stored = blessing.properties.get("findings") if blessing else None
    return {(row["subject"], row["rule"]) for row in json.loads(str(stored or "[]"))}


def _importance(found: Mapping[str, Any], main: str) -> list[Importance]:
    """The columns, the most important first. A column that makes the metric better has 0."""
    whole = found.get("metrics", {}).get(main)
    if whole is None:
        return []
    sign = 1 if METRICS[main].higher_is_better else -1
    shuffled = {column: metrics.get(main) for column, metrics in found["columns"].items()}
    losses = {c: sign * (whole - value) for c, value in shuffled.items() if value is not None}
    most = max(losses.values(), default=0.0)
    order = sorted(losses, key=lambda column: -losses[column])
    return [
        Importance(column, losses[column], max(0.0, losses[column]) / most if most > 0 else 0.0)
        for column in order
    ]


def _slices(
    slices: list[dict[str, Any]], names: list[str], main: str, overall: float | None
) -> Iterator[SliceRow]:
    """The slices, the weakest first: those that are clearly weaker than all rows, then the rest."""
    higher = METRICS[main].higher_is_better
    rows = []
    for of_slice in slices:
        if not of_slice.get("slice"):
            continue
        found = of_slice.get("candidate", {})
        metrics, interval = found.get("metrics", {}), _interval(found.get("intervals", {}), main)
        value = metrics.get(main)
        difference = value - overall if value is not None and overall is not None else None
        weaker = difference is not None and difference != 0 and (difference < 0) == higher
        clearly = bool(
            interval
            and overall is not None
            and weaker
            and not interval[0] <= overall <= interval[1]
        )
        name = ", ".join(f"{column} = {text}" for column, text in of_slice["slice"])
        shown = {n: metrics.get(n) for n in names if n not in _COUNTS}
        count = int(metrics.get("example_count") or 0)
        rows.append(SliceRow(name, count, shown, interval, difference, weaker, clearly))

    def order(row: SliceRow) -> tuple[bool, bool, float]:
        distance = abs(row.difference or 0.0)
        return not row.clearly, not row.weaker, -distance if row.weaker else distance

    yield from sorted(rows, key=order)
