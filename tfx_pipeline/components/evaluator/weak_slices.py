"""Slices on which a model does worse than on the other rows, found without being named.

Each value of each raw column is tried, and of numbers the quarters: is the mean loss of its rows
higher than that of all other rows? With so many questions, some answers are yes by chance, so the
p-values of Welch's test (1947) are multiplied by their number (Bonferroni). The idea is that of
Slice Finder (Chung et al., 2019).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfx_pipeline.components.evaluator.feature_reader import RawColumn
from tfx_pipeline.components.evaluator.metric_accumulators import EPSILON
from tfx_pipeline.components.evaluator.slicing import by_slice
from tfx_pipeline.config import metric_catalog

_log = logging.getLogger(__name__)

MOST_SLICES, LEAST_ROWS, LEVEL = 10, 50, 0.01
_LEAST_SHARE = 0.01
_MOST_NUMBERS = 20
"""A column of numbers with more different ones is divided into quarters."""

LOSSES = {
    metric_catalog.BINARY: "binary_crossentropy",
    metric_catalog.MULTICLASS: "crossentropy",
    metric_catalog.REGRESSION: "mean_squared_error",
}
"""The metric by task that is the mean of the rows' losses."""

Group = tuple[str, str, np.ndarray]
"""A column, a value or range as text, and the positions of its rows."""


def find(
    task: str,
    labels: np.ndarray,
    predictions: np.ndarray,
    columns: Mapping[str, RawColumn],
    rows: np.ndarray,
) -> dict[str, Any]:
    """The weakest slices, the highest loss first, at most `MOST_SLICES`.

    Args:
      task: binary, multiclass or regression.
      labels: [rows]; class ids or numbers.
      predictions: [rows], or [rows, classes] for a multiclass task.
      columns: raw columns of a batch.
      rows: the rows of the batch that have a usable label.

    Returns:
      `tested`, the number of slices; `slices` with `slice`, `positions`, `loss`, `other_loss` and
      `p_value`. `positions` are indices of `rows`.
    """
    of_rows = losses(task, labels[rows], predictions[rows])
    least = max(LEAST_ROWS, math.ceil(_LEAST_SHARE * len(rows)))
    groups = [
        group for group in _groups(columns, rows) if least <= len(group[2]) <= len(rows) - least
    ]
    found: list[dict[str, Any]] = []
    for column, text, positions in groups:
        inside = np.zeros(len(rows), bool)
        inside[positions] = True
        p_value = len(groups) * _p_value(of_rows[inside], of_rows[~inside])
        if p_value < LEVEL:
            found.append(
                {
                    "slice": [[column, text]],
                    "positions": positions,
                    "loss": float(of_rows[inside].mean()),
                    "other_loss": float(of_rows[~inside].mean()),
                    "p_value": p_value,
                }
            )
    found.sort(key=lambda of_slice: -of_slice["loss"])
    return {"tested": len(groups), "slices": found[:MOST_SLICES]}


def losses(task: str, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """The loss of each row: cross-entropy, or the squared error of a regression."""
    if task == metric_catalog.REGRESSION:
        return (labels - predictions.astype(np.float64)) ** 2
    scores = predictions.astype(np.float64)
    if task == metric_catalog.BINARY:
        of_label = np.where(labels == 1, scores, 1 - scores)
    else:
        known = labels < scores.shape[1]  # a class that the model does not have
        ids = np.where(known, labels, 0)
        of_label = np.where(known, scores[np.arange(len(scores)), ids], 0.0)
    return -np.log(np.clip(of_label, EPSILON, 1 - EPSILON))


def _groups(columns: Mapping[str, RawColumn], rows: np.ndarray) -> Iterator[Group]:
    position = np.full(int(rows.max(initial=-1)) + 1, -1)
    position[rows] = np.arange(len(rows))
    for name, column in sorted(columns.items()):
        counts = np.diff(column.splits)[rows]
        if not counts.all():
            yield name, "(missing)", np.flatnonzero(counts == 0)
        if column.values.dtype.kind in "iuf" and len(np.unique(column.values)) > _MOST_NUMBERS:
            yield from _quarters(name, column, rows)
            continue
        for key, of_value in by_slice(rows, [[name]], columns).items():
            if key:
                yield name, str(key[0][1]), np.unique(position[of_value])


def _quarters(name: str, column: RawColumn, rows: np.ndarray) -> Iterator[Group]:
    """The rows by the quarter that their first value is in."""
    positions = np.flatnonzero(np.diff(column.splits)[rows])
    values = column.values[column.splits[rows[positions]]].astype(np.float64)
    finite = np.isfinite(values)
    positions, values = positions[finite], values[finite]
    if not len(values):
        return
    edges = np.unique(np.quantile(values, [0.25, 0.5, 0.75]))
    which = np.searchsorted(edges, values, side="right")
    for number in range(len(edges) + 1):
        low = f"from {edges[number - 1]:.6g}" if number else ""
        high = f"below {edges[number]:.6g}" if number < len(edges) else ""
        yield name, " ".join(filter(None, [low, high])), positions[which == number]


def _p_value(inside: np.ndarray, outside: np.ndarray) -> float:
    """How likely a difference like this is if both have the same mean; by the normal curve."""
    error = math.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside))
    difference = float(inside.mean() - outside.mean())
    if difference <= 0 or not error > 0:
        return 1.0
    return 0.5 * math.erfc(difference / error / math.sqrt(2))
