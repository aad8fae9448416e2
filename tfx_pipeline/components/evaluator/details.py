"""Writes `details.json`: every slice with its intervals, and the curves of all rows.

TFMA's files have the metrics, but can only be read with TFMA. This file is plain JSON, for the
report and for anything else. docs/report.md describes it.
"""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.components.evaluator import curves, importance, intervals
from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator
from tfx_pipeline.components.evaluator.slicing import SliceKey
from tfx_pipeline.report import file_names

_NAMES = {constants.BASELINE_KEY: "baseline"}


class WriteDetails(beam.PTransform):
    """Writes the file from the merged accumulators of all slices.

    Args:
      config: TFMA's configuration.
      task: binary, multiclass or regression.
      output: the folder of the evaluation.
    """

    def __init__(self, config: config_pb2.EvalConfig, task: str, output: str):
        super().__init__()
        spec = config.model_specs[0]
        self._weighted, self._label = bool(spec.example_weight_key), spec.label_key
        self._task, self._output = task, output

    def expand(self, pcollections: tuple[beam.PCollection, ...]) -> beam.PCollection:
        """Describes each slice, and writes all of them to one file.

        Args:
          pcollections: the slices, the accumulators by shuffled column, and the weak slices.
        """
        slices, columns, weak = pcollections
        found = beam.pvalue.AsList(columns), beam.pvalue.AsList(weak)
        return (
            slices
            | "Describe" >> beam.MapTuple(functools.partial(_describe, self._weighted))
            | "Gather" >> beam.combiners.ToList()
            | "Write" >> beam.Map(_write, self._task, self._label, self._output, *found)
        )


def _describe(
    weighted: bool, key: SliceKey, accumulators: dict[str, Accumulator]
) -> dict[str, Any]:
    result: dict[str, Any] = {"slice": [[name, str(value)] for name, value in key]}
    for model, accumulator in accumulators.items():
        found: dict[str, Any] = {
            "metrics": _finite(accumulator.metrics()),
            "intervals": {} if weighted else intervals.of(accumulator),
        }
        if not key:
            found["curves"] = curves.of(accumulator)
        result[_NAMES.get(model, "candidate")] = found
    return result


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """The metrics as JSON has them: None for one that is not defined."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _importance(by_column: dict[str, Accumulator]) -> dict[str, Any]:
    """The metrics of the same rows: as they are, and with each column shuffled."""
    columns = {name: _finite(accumulator.metrics()) for name, accumulator in by_column.items()}
    return {"metrics": columns.pop(importance.ALL), "columns": columns}


def _weak_slices(found: dict[str, Any]) -> dict[str, Any]:
    slices = [{**of_slice, "metrics": _finite(of_slice["metrics"])} for of_slice in found["slices"]]
    return {**found, "slices": slices}


def _write(
    slices: Iterable[dict[str, Any]],
    task: str,
    label: str,
    output: str,
    shuffled: list[dict[str, Accumulator]],
    weak: list[dict[str, Any]],
) -> None:
    ordered = sorted(slices, key=lambda of_slice: (len(of_slice["slice"]), of_slice["slice"]))
    document = {"version": 1, "task": task, "label": label, "slices": ordered}
    if shuffled:
        document["importance"] = _importance(shuffled[0])
    if weak:
        document["weak_slices"] = _weak_slices(weak[0])
    with fileio.open(os.path.join(output, file_names.DETAILS), "w") as file:
        file.write(json.dumps(document, allow_nan=False))
