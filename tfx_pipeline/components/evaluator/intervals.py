"""95 % confidence intervals of metrics, from the accumulators.

Each has a closed form, so that every slice gets one at no cost. Rows with weights have none: the
accumulators keep sums of weights, not of their squares.
"""

from __future__ import annotations

import math

import numpy as np

from tfx_pipeline.components.evaluator.metric_accumulators import (
    EPSILON,
    Accumulator,
    BinaryAccumulator,
    MulticlassAccumulator,
    RegressionAccumulator,
)

Interval = tuple[float, float]
_Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def of(accumulator: Accumulator) -> dict[str, Interval]:
    """The intervals by metric; a metric without one is left out."""
    found: dict[str, Interval] = {}
    if isinstance(accumulator, BinaryAccumulator):
        found = _binary(accumulator)
    elif isinstance(accumulator, MulticlassAccumulator):
        found = _multiclass(accumulator)
    elif isinstance(accumulator, RegressionAccumulator):
        found = _regression(accumulator)
    return {name: pair for name, pair in found.items() if all(map(math.isfinite, pair))}


def _binary(rows: BinaryAccumulator) -> dict[str, Interval]:
    scores, (negatives, positives) = rows.scores.astype(np.float64), rows.counts.T
    above = scores > 0.5
    tp, fp = positives[above].sum(), negatives[above].sum()
    fn, tn = positives[~above].sum(), negatives[~above].sum()
    total = rows.counts.sum()
    clipped = np.clip(scores, EPSILON, 1 - EPSILON)
    losses = -np.log(np.stack([1 - clipped, clipped], axis=1))
    each = rows.counts.sum(axis=1)
    return {
        "auc": auc(rows.counts),
        "auc_precision_recall": _logit(rows.metrics()["auc_precision_recall"], positives.sum()),
        "binary_accuracy": wilson(tp + tn, total),
        "precision": wilson(tp, tp + fp),
        "recall": wilson(tp, tp + fn),
        "f1_score": _f1(tp, fp + fn),
        "binary_crossentropy": _mean(
            (losses * rows.counts).sum(), (losses**2 * rows.counts).sum(), total
        ),
        "mean_prediction": _mean(scores @ each, scores**2 @ each, total),
        "calibration": _calibration(scores, negatives, positives),
    }


def _multiclass(rows: MulticlassAccumulator) -> dict[str, Interval]:
    _, total, correct, loss, squared_loss = rows.sums
    return {
        "accuracy": wilson(correct, total),
        "crossentropy": _mean(loss, squared_loss, total),
    }


def _regression(rows: RegressionAccumulator) -> dict[str, Interval]:
    _, total, squared, absolute, fourth = rows.sums
    low, high = _mean(squared, fourth, total)
    low = max(low, 0.0)
    return {
        "mean_squared_error": (low, high),
        "root_mean_squared_error": (math.sqrt(low), math.sqrt(high)) if high >= 0 else _NONE,
        "mean_absolute_error": _mean(absolute, squared, total),
    }


_NONE = (math.nan, math.nan)


def wilson(hits: float, total: float) -> Interval:
    """Wilson's interval of a share (1927)."""
    if not total:
        return _NONE
    share, z2 = hits / total, _Z**2 / total
    centre = (share + z2 / 2) / (1 + z2)
    half = _Z / (1 + z2) * math.sqrt(share * (1 - share) / total + z2 / (4 * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def auc(counts: np.ndarray) -> Interval:
    """DeLong's interval of the area under the ROC curve (1988); none if the area is 0 or 1.

    Args:
      counts: [n, 2]; negative and positive rows of each distinct score, ascending.
    """
    negatives, positives = counts.T
    all_negatives, all_positives = negatives.sum(), positives.sum()
    if min(all_negatives, all_positives) < 2:
        return _NONE
    negatives_below = np.cumsum(negatives) - negatives / 2
    positives_above = all_positives - np.cumsum(positives) + positives / 2
    of_positives = negatives_below / all_negatives
    of_negatives = positives_above / all_positives
    area = of_positives @ positives / all_positives
    if not 0 < area < 1:  # without an error among the rows, DeLong's variance would be 0
        return _NONE
    variance = _variance(of_positives, positives, area) / all_positives
    variance += _variance(of_negatives, negatives, area) / all_negatives
    half = _Z * math.sqrt(variance)
    return max(0.0, float(area - half)), min(1.0, float(area + half))


def _variance(values: np.ndarray, counts: np.ndarray, mean: float) -> float:
    return float((values - mean) ** 2 @ counts / (counts.sum() - 1))


def _logit(area: float, positives: float) -> Interval:
    """The logit interval of the area under precision by recall (Boyd, Eng and Page, 2013)."""
    if not positives or not 0 < area < 1:
        return _NONE
    centre = math.log(area / (1 - area))
    half = _Z / math.sqrt(positives * area * (1 - area))
    return 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))


def _mean(values: float, squares: float, total: float) -> Interval:
    """The normal interval of a mean, from the sums of values and of their squares."""
    if total < 2:
        return _NONE
    mean = values / total
    variance = max(squares - total * mean**2, 0.0) / (total - 1)
    half = _Z * math.sqrt(variance / total)
    return float(mean - half), float(mean + half)


def _f1(hits: float, errors: float) -> Interval:
    """F1 is a monotone function of the share of hits among hits and errors."""
    low, high = wilson(hits, hits + errors)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def _calibration(scores: np.ndarray, negatives: np.ndarray, positives: np.ndarray) -> Interval:
    """The interval of a ratio of sums, by the linearised variance."""
    labelled, predicted = positives.sum(), scores @ (negatives + positives)
    if not labelled:
        return _NONE
    ratio = predicted / labelled
    residuals = scores**2 @ negatives + (scores - ratio) ** 2 @ positives
    half = _Z * math.sqrt(residuals) / labelled
    return float(ratio - half), float(ratio + half)
