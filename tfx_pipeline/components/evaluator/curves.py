"""What a report draws of all rows together: curves, calibration, matrices, samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx_pipeline.components.evaluator import intervals
from tfx_pipeline.components.evaluator.all_rows import (
    DetailedMulticlassAccumulator,
    DetailedRegressionAccumulator,
)
from tfx_pipeline.components.evaluator.metric_accumulators import Accumulator, BinaryAccumulator

_POINTS = 120
"""Points of a curve: more cannot be told apart on a page."""
_BINS = 40
_GROUPS = 10
_MOST_CLASSES = 30


def of(accumulator: Accumulator) -> dict[str, Any]:
    """The numbers behind the drawings of a task, as JSON; docs/report.md describes them."""
    if isinstance(accumulator, BinaryAccumulator):
        return _binary(accumulator)
    if isinstance(accumulator, DetailedMulticlassAccumulator):
        return _multiclass(accumulator)
    if isinstance(accumulator, DetailedRegressionAccumulator):
        return _regression(accumulator)
    return {}


def _binary(rows: BinaryAccumulator) -> dict[str, Any]:
    scores = rows.scores.astype(np.float64)
    if not len(scores):
        return {}
    return {
        "thresholds": _thresholds(scores, rows.counts),
        "roc": _roc(rows.counts),
        "precision_recall": _precision_recall(rows.counts),
        "calibration": _calibration(scores, rows.counts),
        "histogram": _histogram(scores, rows.counts),
    }


def _thresholds(scores: np.ndarray, counts: np.ndarray) -> dict[str, list[float]]:
    """The confusion matrix at each threshold; above it, a row is predicted as class 1.

    The thresholds are the hundredths, and the quantiles of the scores, so that a rare class
    whose scores are all small has thresholds too.
    """
    each = np.cumsum(counts.sum(axis=1))
    quantiles = scores[np.searchsorted(each, np.linspace(0.01, 0.99, 99) * each[-1])]
    grid = np.round(np.arange(101) / 100, 2)
    thresholds = np.unique(np.concatenate([grid, _rounded(quantiles)]))
    at = np.searchsorted(scores, thresholds, side="right")
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(counts, axis=0)])
    below, total = sums[at], sums[-1]
    return {
        "threshold": thresholds.tolist(),
        "true_negatives": below[:, 0].tolist(),
        "false_negatives": below[:, 1].tolist(),
        "false_positives": (total[0] - below[:, 0]).tolist(),
        "true_positives": (total[1] - below[:, 1]).tolist(),
    }


def _rounded(values: np.ndarray) -> np.ndarray:
    """Probabilities to three significant digits."""
    digits = 2 - np.floor(np.log10(np.maximum(values, 1e-9))).astype(int)
    return np.array([round(float(v), int(d)) for v, d in zip(values, digits, strict=True)])


def _roc(counts: np.ndarray) -> list[list[float]]:
    """[false positive rate, true positive rate] from no row to all rows."""
    negatives, positives = counts.T
    if not negatives.sum() or not positives.sum():
        return []
    fpr = np.concatenate([[0.0], np.cumsum(negatives[::-1]) / negatives.sum()])
    tpr = np.concatenate([[0.0], np.cumsum(positives[::-1]) / positives.sum()])
    return _thinned(fpr, tpr)


def _precision_recall(counts: np.ndarray) -> list[list[float]]:
    """[recall, precision] from the highest score to all rows."""
    negatives, positives = counts[::-1].astype(np.float64).T
    if not positives.sum():
        return []
    tp, predicted = np.cumsum(positives), np.cumsum(positives + negatives)
    return _thinned(tp / positives.sum(), tp / predicted)


def _thinned(x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """At most `_POINTS` points, evenly along the curve."""
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    at = np.searchsorted(length, np.linspace(0, length[-1], _POINTS))
    keep = np.unique(np.concatenate([[0], np.minimum(at, len(x) - 1), [len(x) - 1]]))
    return np.round(np.stack([x[keep], y[keep]], axis=1), 5).tolist()


def _calibration(scores: np.ndarray, counts: np.ndarray) -> list[dict[str, float]]:
    """Groups of rows with about equal scores: the mean score against the share of class 1."""
    each = counts.sum(axis=1)
    before = np.cumsum(each) - each
    group = np.minimum((before * _GROUPS / each.sum()).astype(int), _GROUPS - 1)
    result = []
    for number in np.unique(group):
        rows = group == number
        total, positives = each[rows].sum(), counts[rows, 1].sum()
        low, high = intervals.wilson(positives, total)
        result.append(
            {
                "rows": float(total),
                "score": float(scores[rows] @ each[rows] / total),
                "share": float(positives / total),
                "low": low,
                "high": high,
            }
        )
    return result


def _histogram(scores: np.ndarray, counts: np.ndarray) -> dict[str, list[float]]:
    """Rows of each class by score, in bins of equal width from 0 to 1."""
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    negatives, positives = (np.bincount(bins, counts[:, i], _BINS) for i in range(2))
    return {"negatives": negatives.tolist(), "positives": positives.tolist()}


def _multiclass(rows: DetailedMulticlassAccumulator) -> dict[str, Any]:
    """Metrics by class, and the confusion matrix of the most frequent classes."""
    matrix = rows.confusion
    actual, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    names = [*rows.names, *map(str, range(len(rows.names), len(predicted)))]
    hits = np.diagonal(matrix)
    order = np.argsort(-actual[: len(predicted)], kind="stable")
    shown = order[:_MOST_CLASSES]
    classes = [
        {
            "class": names[i],
            "rows": float(actual[i]),
            "predicted": float(predicted[i]),
            "precision": _share(hits[i], predicted[i]),
            "recall": _share(hits[i], actual[i]),
            "f1_score": _share(2 * hits[i], actual[i] + predicted[i]),
        }
        for i in order
    ]
    return {
        "classes": classes,
        "confusion": {
            "classes": [names[i] for i in shown],
            "rows": matrix[np.ix_(shown, shown)].tolist(),
            "of_classes": len(predicted),
        },
    }


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _regression(rows: DetailedRegressionAccumulator) -> dict[str, Any]:
    """A sample of rows, and the histogram of its residuals."""
    labels, predictions = rows.sample[:, 1], rows.sample[:, 2]
    residuals = predictions - labels
    residuals = residuals[np.isfinite(residuals)]
    counts, edges = np.histogram(residuals, bins=_BINS, range=_range(residuals, labels))
    pairs = [[_short(a), _short(b)] for a, b in zip(labels[:600], predictions[:600], strict=True)]
    return {
        "sampled_rows": len(residuals),
        "sample": pairs,
        "residuals": {"counts": counts.tolist(), "edges": [*map(_short, edges)]},
    }


def _range(residuals: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Of the residuals, wide enough for float32's precision: NumPy 2 refuses a narrower one."""
    if not len(residuals):
        return 0.0, 1.0
    low, high = float(residuals.min()), float(residuals.max())
    scale = max(float(np.abs(labels[np.isfinite(labels)]).max(initial=0)), abs(low), abs(high))
    least = 1e-6 * (scale or 1.0)
    missing = max(least - (high - low), 0.0)
    return low - missing / 2, high + missing / 2


def _short(value: float) -> float:
    return float(f"{value:.5g}")
