"""Rules between the sections of a configuration, checked on its plain data.

They read plain data instead of `Config`, so that their problems are reported together
with those that pydantic finds. Values of a wrong type are left to pydantic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_pipeline.config import metric_catalog
from tfx_pipeline.config.yaml_reader import Document, LocatedProblem, Location
from tfx_pipeline.errors import did_you_mean


def problems(values: Mapping[Any, Any], document: Document) -> list[LocatedProblem]:
    """All problems that these rules find."""
    rules = (
        _unknown_keys,
        _label_is_no_feature,
        _names_are_free,
        _classes_fit,
        _nothing_excluded,
        _metrics_fit,
        _thresholds_fit,
        _finite,
    )
    return [
        LocatedProblem(".".join(map(str, where)), message, remedy, document.line(where))
        for rule in rules
        for where, message, remedy in rule(values)
    ]


_RESERVED_ENDINGS = ("$indices", "$values", "$dense_shape", "$dense_tensor")

Found = Iterator[tuple[Location, str, str]]


def _unknown_keys(values: Mapping[Any, Any]) -> Found:
    """Fields of `Config` that have another name in the file, or are not in it at all."""
    for key, remedy in {"schema_source": "Did you mean 'schema'?", "folder": ""}.items():
        if key in values:
            yield (key,), "unknown key", remedy


def _label_is_no_feature(values: Mapping[Any, Any]) -> Found:
    label = _get(values, "label", "name")
    if isinstance(label, str) and label in _mapping(values, "features"):
        yield ("features", label), "is the label and cannot be a feature as well", "Remove it"


def _names_are_free(values: Mapping[Any, Any]) -> Found:
    """TensorFlow Transform takes names with these endings for parts of a sparse column."""
    keys: dict[Location, Any] = {("features", k): k for k in _mapping(values, "features")}
    keys["label", "name"] = _get(values, "label", "name")
    for where, name in keys.items():
        if isinstance(name, str) and name.endswith(_RESERVED_ENDINGS):
            ending = "$" + name.rpartition("$")[2]
            message = f"{name!r} ends with {ending!r}, which TensorFlow Transform reserves"
            yield where, message, "Rename the column in the data"


def _classes_fit(values: Mapping[Any, Any]) -> Found:
    task, classes = _get(values, "label", "task"), _texts(_get(values, "label", "classes"))
    where = ("label", "classes")
    if task == metric_catalog.REGRESSION and classes:
        yield where, "is for classification, not for task 'regression'", "Remove it"
    elif task == metric_catalog.BINARY and classes and len(classes) != 2:
        yield where, f"must name 2 classes for task 'binary', found {len(classes)}", ""
    for name in sorted({name for name in classes if classes.count(name) > 1}):
        yield where, f"names {name!r} twice", "Keep one of them"


def _nothing_excluded(values: Mapping[Any, Any]) -> Found:
    excluded = _texts(_get(values, "data", "exclude"))
    label = _get(values, "label", "name")
    used = {**dict.fromkeys(_mapping(values, "features"), "a feature"), label: "the label"}
    for index, column in enumerate(excluded):
        if column in used:
            where = ("data", "exclude", index)
            yield where, f"{column!r} is {used[column]} and cannot be excluded", "Remove it"


def _metrics_fit(values: Mapping[Any, Any]) -> Found:
    task = _get(values, "label", "task")
    named = _texts(_get(values, "evaluation", "metrics"))
    fitting = metric_catalog.for_task(task) if task in metric_catalog.DEFAULTS else ()
    for index, name in enumerate(named):
        where = ("evaluation", "metrics", index)
        if name in named[:index]:
            yield where, f"{name!r} is named twice", "Keep one of them"
        elif name not in metric_catalog.METRICS:
            hint = did_you_mean(name, fitting or metric_catalog.METRICS)
            yield where, f"there is no metric {name!r}", hint
        elif fitting and name not in fitting:
            remedy = f"Use one of {', '.join(fitting)}"
            yield where, f"{name!r} does not fit the task {task!r}", remedy


def _thresholds_fit(values: Mapping[Any, Any]) -> Found:
    task = _get(values, "label", "task")
    computed = _texts(_get(values, "evaluation", "metrics"))
    computed = computed or metric_catalog.DEFAULTS.get(task if isinstance(task, str) else "", ())
    for name, threshold in _mapping(values, "evaluation", "thresholds").items():
        where = ("evaluation", "thresholds", name)
        if name not in metric_catalog.METRICS:
            known = computed or metric_catalog.METRICS
            yield where, f"there is no metric {name!r}", did_you_mean(str(name), known)
        elif computed and name not in computed:
            remedy = f"Computed: {', '.join(computed)}. Add {name!r} to evaluation.metrics"
            yield where, "is a threshold on a metric that is not computed", remedy
        elif (
            metric_catalog.METRICS[name].higher_is_better is None
            and isinstance(threshold, dict)
            and "not_worse_than_baseline_by" in threshold
        ):
            message = f"{name} has no better direction, so no model is worse by it"
            yield (*where, "not_worse_than_baseline_by"), message, "Use min and max"


def _finite(values: Any, where: Location = ()) -> Found:
    """No value of a pipeline may be infinite or NaN."""
    if isinstance(values, float) and not math.isfinite(values):
        yield where, f"must be a finite number, found {values}", ""
    children: dict[Any, Any] = values if isinstance(values, dict) else {}
    if isinstance(values, list):
        children = dict(enumerate(values))
    for part, child in children.items():
        yield from _finite(child, (*where, part))


def coerced_booleans(
    values: Any, resolved: Any, document: Document, where: Location = ()
) -> list[LocatedProblem]:
    """Problems of `true` and `false` where a number is expected: pydantic takes them as 1 and 0."""
    if isinstance(values, bool) and not isinstance(resolved, bool):
        message = f"must not be true or false, found {str(values).lower()}"
        return [LocatedProblem(".".join(map(str, where)), message, "", document.line(where))]
    pairs: list[tuple[Any, Any, Any]] = []
    if isinstance(values, dict) and isinstance(resolved, dict):
        pairs = [(key, child, resolved.get(key)) for key, child in values.items()]
    elif isinstance(values, list) and isinstance(resolved, list):
        pairs = [(i, *pair) for i, pair in enumerate(zip(values, resolved))]
    return [
        problem
        for key, child, other in pairs
        for problem in coerced_booleans(child, other, document, (*where, key))
    ]


def _get(values: Any, *path: str) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _mapping(values: Any, *path: str) -> dict[Any, Any]:
    found = _get(values, *path)
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
