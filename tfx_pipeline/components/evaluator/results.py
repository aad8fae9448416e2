"""The results of an evaluation: overall metrics, missed thresholds, the blessing."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator

from tensorflow_model_analysis import constants as tfma_constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as files
from tfx import types
from tfx.components.evaluator import constants

from tfx_pipeline.components.common import blessing as blessing_artifact
from tfx_pipeline.components.evaluator import missed_thresholds
from tfx_pipeline.components.evaluator.evaluation import metric_names
from tfx_pipeline.config.metric_catalog import METRICS
from tfx_pipeline.errors import Finding, NodeError

Metrics = dict[str, float | None]


@dataclasses.dataclass(frozen=True)
class Result:
    """The result of an evaluation.

    Attributes:
      metrics: the candidate's metrics of all rows, by our names; None is undefined.
      baseline: the same for the baseline; empty if there is none.
      findings: the thresholds that were missed.
      not_compared: the comparisons with the baseline that could not be made.
    """

    metrics: Metrics
    baseline: Metrics
    findings: tuple[Finding, ...]
    not_compared: tuple[Finding, ...] = ()

    @property
    def blessed(self) -> bool:
        """Whether the model meets all thresholds."""
        return not self.findings


def read(folder: str, config: config_pb2.EvalConfig) -> Result:
    """Reads TFMA's files.

    Raises:
      NodeError: nothing was evaluated.
    """
    overall = _overall(folder)
    if not overall:
        raise NodeError("no row of the test split has a usable label: nothing was evaluated")
    candidate, baseline = "", ""
    if len(config.model_specs) > 1:
        candidate, baseline = tfma_constants.CANDIDATE_KEY, tfma_constants.BASELINE_KEY
    names = metric_names(config)
    of_baseline = {name: overall[(baseline, name)] for name in names} if baseline else {}
    return Result(
        {name: overall[(candidate, name)] for name in names},
        of_baseline,
        tuple(missed_thresholds.read(folder)),
        tuple(_not_compared(config, of_baseline)),
    )


def _overall(folder: str) -> dict[tuple[str, str], float | None]:
    """Metrics of all rows by model and name."""
    result: dict[tuple[str, str], float | None] = {}
    path = os.path.join(folder, tfma_constants.METRICS_KEY)
    for of_slice in files.load_and_deserialize_metrics(path):
        if not of_slice.slice_key.single_slice_keys:
            for metric in of_slice.metric_keys_and_values:
                if not metric.key.is_diff:
                    value = metric.value.double_value.value
                    key = (metric.key.model_name, metric.key.name)
                    result[key] = value if math.isfinite(value) else None
    return result


def _not_compared(config: config_pb2.EvalConfig, baseline: Metrics) -> Iterator[Finding]:
    """A finding for each metric that is not defined for the baseline and is to be compared."""
    metrics = [metric for spec in config.metrics_specs for metric in spec.metrics]
    for name, metric in zip(metric_names(config), metrics, strict=True):
        limits = [item.threshold for item in metric.per_slice_thresholds]
        compared = any(limit.HasField("change_threshold") for limit in limits)
        if compared and name in baseline and baseline[name] is None:
            yield Finding(name, "compared with the baseline", missed_thresholds.undefined(name))


def store(result: Result, evaluation: types.Artifact) -> None:
    """Writes the overall metrics to properties, which can be read without TensorFlow."""
    evaluation.set_string_custom_property("metrics", json.dumps(result.metrics))
    reasons = {n: METRICS[n].undefined for n, v in result.metrics.items() if v is None}
    if reasons:
        evaluation.set_string_custom_property("undefined_metrics", json.dumps(reasons))
    if result.baseline:
        evaluation.set_string_custom_property("baseline_metrics", json.dumps(result.baseline))


def bless(
    result: Result,
    blessing: types.Artifact,
    model: types.Artifact,
    baseline: types.Artifact | None,
) -> None:
    """Blesses the model if it meets all thresholds, with TFX's files and properties."""
    if baseline is not None:
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri
        )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id
        )
    blessing_artifact.write(
        blessing,
        model,
        result.findings,
        constants.BLESSED_FILE_NAME,
        constants.NOT_BLESSED_FILE_NAME,
    )
