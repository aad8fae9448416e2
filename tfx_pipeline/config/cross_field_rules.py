"""Rules between the sections of a configuration, checked on its plain data.

They read plain data instead of `Config`, so that their problems are reported together
with those that pydantic finds. Values of a wrong type are left to pydantic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_pipeline.config import data_files, metric_catalog
from tfx_pipeline.config.splits import NOT_BY_ROW
from tfx_pipeline.config.training import DEFAULT_WORKERS, STOPPING_METRICS
from tfx_pipeline.config.tuning import space_problems
from tfx_pipeline.config.yaml_reader import Document, LocatedProblem, Location
from tfx_pipeline.errors import did_you_mean


def problems(values: Mapping[Any, Any], document: Document) -> list[LocatedProblem]:
    """All problems that these rules find."""
    rules = (
        _unknown_keys,
        _label_is_no_feature,
        _names_are_free,
        _images_are_images,
        _classes_fit,
        _positive_fits,
        _weight_is_no_feature,
        _split_fits,
        _nothing_excluded,
        _bias_fits,
        _metrics_fit,
        _thresholds_fit,
        _stopping_metric_fits,
        _tuning_fits,
        _workers_fit,
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


def _images_are_images(values: Mapping[Any, Any]) -> Found:
    """A column is an image by its type and by its treatment, or by neither."""
    columns = _mapping(values, "columns")
    for name, feature in _mapping(values, "features").items():
        column = columns.get(name)
        type_ = column.get("type") if isinstance(column, Mapping) else column
        transform = feature.get("transform") if isinstance(feature, Mapping) else None
        is_own = isinstance(transform, str) and "." in transform
        if transform in (None, "auto") or type_ is None or is_own:
            continue
        if (transform == "image") != (type_ == "image"):
            message = f"is {transform!r}, and columns.{name} says {type_!r}"
            yield ("features", name, "transform"), message, "Use image for both, or for neither"


def _classes_fit(values: Mapping[Any, Any]) -> Found:
    task, classes = _get(values, "label", "task"), _texts(_get(values, "label", "classes"))
    where = ("label", "classes")
    if task == metric_catalog.REGRESSION and classes:
        yield where, "is for classification, not for task 'regression'", "Remove it"
    elif task == metric_catalog.BINARY and classes and len(classes) != 2:
        yield where, f"must name 2 classes for task 'binary', found {len(classes)}", ""
    for name in sorted({name for name in classes if classes.count(name) > 1}):
        yield where, f"names {name!r} twice", "Keep one of them"


def _positive_fits(values: Mapping[Any, Any]) -> Found:
    task, positive = _get(values, "label", "task"), _get(values, "label", "positive")
    classes = _texts(_get(values, "label", "classes"))
    where = ("label", "positive")
    if positive is None:
        return
    if task in (metric_catalog.MULTICLASS, metric_catalog.REGRESSION):
        yield where, f"is for task 'binary', not for task {task!r}", "Remove it"
    elif isinstance(positive, str) and classes and positive not in classes:
        remedy = did_you_mean(positive, classes)
        yield where, f"{positive!r} is none of label.classes", remedy or "Name one of them"


def _weight_is_no_feature(values: Mapping[Any, Any]) -> Found:
    weight, where = _get(values, "label", "weight"), ("label", "weight")
    if not isinstance(weight, str):
        return
    if weight == _get(values, "label", "name"):
        yield where, f"{weight!r} is the label", "Name the column of the weights"
    elif weight in _mapping(values, "features"):
        message = "is the weight of the rows and cannot be a feature as well"
        yield ("features", weight), message, "Remove it"


def _split_fits(values: Mapping[Any, Any]) -> Found:
    path = _get(values, "data", "path")
    if _get(values, "data", "span") is not None and not data_files.has_span(str(path or "")):
        message = "needs {SPAN}, or {YYYY}, {MM} and {DD}, in data.path"
        yield ("data", "span"), message, "Remove it, or write the path as a pattern"
    split = _mapping(values, "data", "split")
    names, label = split.get("column"), _get(values, "label", "name")
    if isinstance(names, str) and names in _mapping(values, "features"):
        message = "names the split of each row and cannot be a feature as well"
        yield ("features", names), message, "Remove it"
    for key in ("by", "time", "column"):
        column = split.get(key)
        if isinstance(column, str) and column == label:
            remedy = "Name another column; data.split.stratify divides each class"
            yield ("data", "split", key), f"{column!r} is the label", remedy
    if split.get("stratify") is True and _get(values, "label", "task") == metric_catalog.REGRESSION:
        message = "is for classes, not for task 'regression'"
        yield ("data", "split", "stratify"), message, "Remove it"
    if split.get("folders") is True and _get(values, "data", "format") == "sql":
        yield ("data", "split", "folders"), "is for files, not for a database", "Remove it"


def _nothing_excluded(values: Mapping[Any, Any]) -> Found:
    excluded = _texts(_get(values, "data", "exclude"))
    label = _get(values, "label", "name")
    used = {**dict.fromkeys(_mapping(values, "features"), "a feature"), label: "the label"}
    used[_get(values, "label", "weight")] = "the weight of the rows"
    split = _mapping(values, "data", "split")
    for key in ("by", "time", "column"):
        if isinstance(split.get(key), str):
            used[split[key]] = f"what data.split.{key} needs"
    for column in _texts(_get(values, "gates", "bias", "groups")):
        used.setdefault(column, "in gates.bias.groups")
    for index, column in enumerate(excluded):
        if column in used:
            where = ("data", "exclude", index)
            yield where, f"{column!r} is {used[column]} and cannot be excluded", "Remove it"


_MEAN_OF_RATE = {
    "label_rate": "label_mean",
    "max_rate_difference": "max_mean_difference",
    "min_rate_ratio": "max_mean_difference",
}
_RATE_OF_MEAN = {"label_mean": "label_rate", "max_mean_difference": "max_rate_difference"}


def _bias_fits(values: Mapping[Any, Any]) -> Found:
    where, bias = ("gates", "bias"), _mapping(values, "gates", "bias")
    label, task = _get(values, "label", "name"), _get(values, "label", "task")
    for index, column in enumerate(_texts(bias.get("groups"))):
        if column == label:
            message = f"{column!r} is the label, and cannot be a group as well"
            yield (*where, "groups", index), message, "Name another column"
    is_number = task == metric_catalog.REGRESSION
    for key, right in (_MEAN_OF_RATE if is_number else _RATE_OF_MEAN).items():
        if key in bias and task in metric_catalog.DEFAULTS:
            message = f"is for {'classes' if is_number else 'a regression'}, not for task {task!r}"
            yield (*where, key), message, f"Use {right}"


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


def _stopping_metric_fits(values: Mapping[Any, Any]) -> Found:
    task = _get(values, "label", "task")
    known = ("loss", *(STOPPING_METRICS.get(task, ()) if isinstance(task, str) else ()))
    for where in (("training", "early_stopping", "metric"), ("tuning", "metric")):
        name = _get(values, *where)
        if isinstance(name, str) and len(known) > 1 and name not in known:
            message = f"{name!r} is not computed during the training of a {task} label"
            yield where, message, f"Use one of {', '.join(known)}"


def _tuning_fits(values: Mapping[Any, Any]) -> Found:
    where = ("tuning", "space")
    if _get(values, "tuning", "tuner_fn") is not None:
        for name in ("space", "workers", "candidates"):
            if _get(values, "tuning", name) is not None:
                message = "is for the library's own search, not for tuning.tuner_fn"
                yield ("tuning", name), message, "Remove one"
    elif _get(values, *where) == {}:
        yield where, "names no parameter", "Name one, or leave it out for the default space"
    divides = [k for k in NOT_BY_ROW if _get(values, "data", "split", k)]
    if divides and _get(values, "tuning", "candidates"):
        message = f"needs rows that can be in any split, but data.split.{divides[0]} divides them"
        yield ("tuning", "candidates"), message, "Remove one"
    for name, message, remedy in space_problems(_mapping(values, *where)):
        yield (*where, name), message, remedy


def _workers_fit(values: Mapping[Any, Any]) -> Found:
    training = _mapping(values, "training")
    strategy, batch, workers = (training.get(k) for k in ("strategy", "batch_size", "workers"))
    if workers is not None and strategy in (None, "none", "mirrored"):
        message = f"is for strategy multi_worker, not for {strategy or 'none'}"
        yield ("training", "workers"), message, "Remove it, or set strategy: multi_worker"
    elif strategy == "multi_worker" and isinstance(batch, int):
        count = workers if isinstance(workers, int) else DEFAULT_WORKERS
        if 0 < batch < count:
            message = f"{batch} rows cannot be divided among {count} workers"
            yield ("training", "batch_size"), message, "Give at least one row to each"


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
    # A text is the name of a class, which may be true or false.
    if isinstance(values, bool) and not isinstance(resolved, (bool, str)):
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
