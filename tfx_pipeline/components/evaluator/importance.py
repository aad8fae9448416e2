"""Permutation importance: the metrics after the values of one raw column are shuffled.

What a model loses without a column shows how much it relies on it (Breiman, 2001). It is measured
on few rows, because each column scores all of them again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator

_log = logging.getLogger(__name__)

MOST_ROWS, LEAST_ROWS, MOST_COLUMNS = 500, 100, 200
_BUDGET = 8_000
"""Rows that are scored, all columns together: well below a second for the bundled example."""

ALL = ""
"""The key of the metrics without any shuffling, on the same rows."""


def measure(
    batch: Sequence[bytes],
    excluded: set[str],
    score: Callable[[Sequence[bytes], Sequence[bytes]], Accumulator],
) -> dict[str, Accumulator]:
    """The accumulators by shuffled column; empty if it cannot be measured.

    Args:
      batch: serialized tf.Examples; the first rows are used.
      excluded: the label and the weight.
      score: makes the accumulator of rows: their labels are those of the first argument, their
        predictions those of the second one.
    """
    examples = [tf.train.Example.FromString(row) for row in batch[:MOST_ROWS]]
    columns = sorted({name for row in examples for name in row.features.feature} - excluded)
    if not columns or len(columns) > MOST_COLUMNS:
        return {}
    count = max(LEAST_ROWS, min(MOST_ROWS, _BUDGET // len(columns)))
    examples, rows = examples[:count], batch[:count]
    random = np.random.default_rng(0)
    try:
        found = {ALL: score(rows, rows)}
        for column in columns:
            found[column] = score(rows, _shuffled(examples, column, random))
        return found
    except Exception as error:  # the evaluation does not depend on it
        _log.warning("Evaluator: no importance of columns was measured: %s", error)
        return {}


def _shuffled(
    examples: Sequence[tf.train.Example], column: str, random: np.random.Generator
) -> list[bytes]:
    """The rows with the values of a column in another order; the rows themselves stay."""
    values = []
    for row in examples:
        value = row.features.feature.get(column)
        values.append(None if value is None else value.SerializeToString())
    result = []
    for row, own, source in zip(examples, values, random.permutation(len(values)), strict=True):
        _set(row, column, values[source])
        result.append(row.SerializeToString())
        _set(row, column, own)
    return result


def _set(row: tf.train.Example, column: str, value: bytes | None) -> None:
    if value is None:
        row.features.feature.pop(column, None)
    else:
        row.features.feature[column].ParseFromString(value)
