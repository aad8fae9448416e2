"""Metric names and thresholds as TFMA's EvalConfig."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tensorflow_model_analysis.proto import config_pb2

from tfx_pipeline.config import metric_catalog
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean

Thresholds = Mapping[str, float] | None


def eval_config(
    label: str,
    task: str,
    metrics: Mapping[str, Thresholds],
    slices: Sequence[Sequence[str]],
    weight: str | None = None,
) -> config_pb2.EvalConfig:
    """Which metrics are computed, from which outputs, and which values bless a model.

    Args:
      label: the label's column.
      task: binary, multiclass or regression.
      metrics: our names, each with its thresholds (`min`, `max` and
        `not_worse_than_baseline_by`) or None.
      slices: lists of columns; all rows together are always a slice.
      weight: the column with the weight of each row; TFMA's example_weight_key.

    Raises:
      ConfigError: a metric is unknown.
    """
    key = "predictions" if task == metric_catalog.REGRESSION else "probabilities"
    model = config_pb2.ModelSpec(
        signature_name="serving_default",
        prediction_key=key,
        label_key=label,
        example_weight_key=weight or "",
    )
    config = config_pb2.EvalConfig(
        model_specs=[model],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[_metric(*m) for m in metrics.items()])],
        slicing_specs=[config_pb2.SlicingSpec()],
    )
    for columns in filter(None, slices):
        config.slicing_specs.add(feature_keys=columns)
    config.options.include_default_metrics.value = False
    return config


def _metric(name: str, thresholds: Thresholds) -> config_pb2.MetricConfig:
    if name not in metric_catalog.METRICS:
        remedy = did_you_mean(name, metric_catalog.METRICS)
        raise ConfigError(Problem("evaluation.metrics", f"unknown metric {name!r}", remedy))
    metric = metric_catalog.METRICS[name]
    # The results have these names, so they are those of our configuration.
    arguments = json.dumps({"name": name, **metric.config})
    result = config_pb2.MetricConfig(class_name=metric.class_name, config=arguments)
    if thresholds:
        # A threshold without slices would hold for each slice; this one holds for all rows.
        overall = result.per_slice_thresholds.add(slicing_specs=[config_pb2.SlicingSpec()])
        _add_thresholds(overall.threshold, thresholds, metric.higher_is_better)
    return result


def _add_thresholds(
    threshold: config_pb2.MetricThreshold, given: Mapping[str, float], higher_is_better: bool | None
) -> None:
    if "min" in given:
        threshold.value_threshold.lower_bound.value = given["min"]
    if "max" in given:
        threshold.value_threshold.upper_bound.value = given["max"]
    if "not_worse_than_baseline_by" in given:
        allowed = given["not_worse_than_baseline_by"]
        change = threshold.change_threshold
        direction = config_pb2.MetricDirection
        if higher_is_better is None:
            raise ConfigError(
                Problem(
                    "evaluation.thresholds",
                    "not_worse_than_baseline_by is for metrics with a better direction",
                    "Use min and max",
                )
            )
        change.direction = (
            direction.HIGHER_IS_BETTER if higher_is_better else direction.LOWER_IS_BETTER
        )
        change.absolute.value = -allowed if higher_is_better else allowed
