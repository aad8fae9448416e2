"""Which thresholds a model missed, read from the files that TFMA writes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as files

from tfx_pipeline.config.metric_catalog import METRICS
from tfx_pipeline.errors import Finding

_Values = dict[tuple[bytes, ...], float]


def read(folder: str) -> list[Finding]:
    """One finding for each threshold that was missed, of all rows and of slices.

    Args:
      folder: the ModelEvaluation's, of our Evaluator or of TFX's.
    """
    path = os.path.join(folder, constants.VALIDATIONS_KEY)
    validation = files.load_and_deserialize_validation_result(path)
    if validation.validation_ok:
        return []
    values = _values(folder)
    findings = []
    for of_slice in validation.metric_validations_per_slice:
        for failure in of_slice.failures:
            subject = _metric(failure.metric_key) + _slice(of_slice)
            rows = _of_failure(failure, values, of_slice.slice_key.SerializeToString())
            findings += [Finding(subject, rule, found) for rule, found in rows]
    for missing in validation.missing_slices:
        columns = [*missing.feature_keys, *(f"{k}={v}" for k, v in missing.feature_values.items())]
        findings.append(Finding(", ".join(columns), "a slice with thresholds", "no rows"))
    return findings


def undefined(name: str) -> str:
    """What a report says of a metric that has no value."""
    return f"not defined: {METRICS[name].undefined}" if name in METRICS else "not defined"


def _values(folder: str) -> _Values:
    """The metrics of each slice and model that have a value."""
    path = os.path.join(folder, constants.METRICS_KEY)
    return {
        _key(of_slice.slice_key.SerializeToString(), metric.key): metric.value.double_value.value
        for of_slice in files.load_and_deserialize_metrics(path)
        for metric in of_slice.metric_keys_and_values
        if not metric.key.is_diff and math.isfinite(metric.value.double_value.value)
    }


def _key(of_slice: bytes, key: metrics_for_slice_pb2.MetricKey) -> tuple[bytes, ...]:
    names = (key.name, key.model_name, key.output_name)
    return (of_slice, *(n.encode() for n in names), key.sub_key.SerializeToString())


def _of_failure(
    failure: validation_result_pb2.ValidationFailure, values: _Values, of_slice: bytes
) -> Iterator[tuple[str, str]]:
    """The rule that was missed, and what was found."""
    key = failure.metric_key
    value = values.get(_key(of_slice, key))
    found = undefined(key.name) if value is None else f"{value:.4g}"
    threshold = failure.metric_threshold
    if threshold.HasField("change_threshold"):
        of_baseline = metrics_for_slice_pb2.MetricKey()
        of_baseline.CopyFrom(key)
        of_baseline.model_name = constants.BASELINE_KEY
        baseline = values.get(_key(of_slice, of_baseline))
        if baseline is not None:  # else there is nothing to compare with
            yield (_change(threshold.change_threshold), f"{found}; the baseline has {baseline:.4g}")
        return
    bounds = threshold.value_threshold
    lower, upper = bounds.lower_bound.value, bounds.upper_bound.value
    if bounds.HasField("lower_bound") and (value is None or value < lower):
        yield f"min {lower:g}", found
    if bounds.HasField("upper_bound") and (value is None or value > upper):
        yield f"max {upper:g}", found


def _change(threshold: config_pb2.GenericChangeThreshold) -> str:
    limits = []
    if threshold.HasField("absolute"):
        limits.append(f"{abs(threshold.absolute.value):g}")
    if threshold.HasField("relative"):
        limits.append(f"{100 * abs(threshold.relative.value):g} %")
    return "not worse than the baseline by " + (" or ".join(limits) or "0")


def _metric(key: metrics_for_slice_pb2.MetricKey) -> str:
    """The metric's name, with its output, class or top k."""
    details = [key.output_name] if key.output_name else []
    for field, value in key.sub_key.ListFields():
        details.append(f"{field.name} {value.value}")
    return key.name + (f" ({', '.join(details)})" if details else "")


def _slice(of_slice: validation_result_pb2.MetricsValidationForSlice) -> str:
    if of_slice.HasField("cross_slice_key"):
        keys = of_slice.cross_slice_key
        between = _columns(keys.baseline_slice_key), _columns(keys.comparison_slice_key)
        return f" of {between[0]} against {between[1]}"
    columns = _columns(of_slice.slice_key)
    return f" of {columns}" if columns else ""


def _columns(key: metrics_for_slice_pb2.SliceKey) -> str:
    return ", ".join(f"{column.column}={_text(column)}" for column in key.single_slice_keys)


def _text(column: Any) -> str:
    value = getattr(column, column.WhichOneof("kind"))
    return value.decode(errors="replace") if isinstance(value, bytes) else f"{value:g}"
