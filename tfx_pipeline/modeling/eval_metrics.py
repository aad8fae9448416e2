"""Metrics of the eval split during training, exact and weighted, and a temperature."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx_pipeline.config import metric_catalog

_SMALLEST = 1e-7
"""A probability below it counts as this much, as in Keras."""


def member_mean(logits: np.ndarray, task: str, temperature: float = 1.0) -> np.ndarray:
    """What the exported model answers.

    Args:
      logits: [rows, units], or [rows, members, units] of an ensemble.
      task: binary, multiclass or regression.
      temperature: by which logits of classes are divided.

    Returns:
      [rows, classes] probabilities, or [rows] predictions.
    """
    members = logits[:, np.newaxis] if logits.ndim == 2 else logits
    members = members.astype(np.float64)
    if task == "regression":
        return members.mean(axis=(1, 2))
    if task == "binary":
        members = np.concatenate([np.zeros_like(members), members], axis=2)
    members = members / temperature
    exponents = np.exp(members - members.max(axis=2, keepdims=True))
    return (exponents / exponents.sum(axis=2, keepdims=True)).mean(axis=1)


def crossentropy(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean of -log(p) of the rows' own classes."""
    own = predicted[np.arange(len(labels)), labels.astype(np.int64)]
    return float(np.average(-np.log(np.maximum(own, _SMALLEST)), weights=weights))


def accuracy(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> float:
    """The share of rows whose own class has the highest probability."""
    return float(np.average(predicted.argmax(axis=1) == labels, weights=weights))


def auc(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> float:
    """The area under the ROC curve, where equal predictions count half; 0.5 with one class."""
    weights = np.ones(len(labels)) if weights is None else weights.astype(np.float64)
    _, groups = np.unique(predicted[:, 1], return_inverse=True)
    positives = np.bincount(groups, weights * (labels == 1))
    negatives = np.bincount(groups, weights * (labels == 0))
    area = area_under_roc(negatives, positives)
    return 0.5 if math.isnan(area) else area


def area_under_roc(negatives: np.ndarray, positives: np.ndarray) -> float:
    """The probability that a positive row ranks above a negative one; ties are half.

    Args:
      negatives, positives: rows of each distinct score, ascending.

    Returns:
      NaN without rows of both classes.
    """
    below = np.cumsum(negatives) - negatives
    pairs = negatives.sum() * positives.sum()
    return float((positives * (below + negatives / 2)).sum() / pairs) if pairs else math.nan


def squared_error(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean squared error."""
    return float(np.average((predicted - labels) ** 2, weights=weights))


def root_squared_error(
    predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None
) -> float:
    """The root of the mean squared error."""
    return squared_error(predicted, labels, weights) ** 0.5


def absolute_error(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean absolute error."""
    return float(np.average(np.abs(predicted - labels), weights=weights))


Metric = Callable[[np.ndarray, np.ndarray, "np.ndarray | None"], float]

METRICS: dict[str, dict[str, Metric]] = {
    "binary": {
        "loss": crossentropy,
        "auc": auc,
        "binary_accuracy": accuracy,
        "binary_crossentropy": crossentropy,
    },
    "multiclass": {"loss": crossentropy, "accuracy": accuracy, "crossentropy": crossentropy},
    "regression": {
        "loss": squared_error,
        "root_mean_squared_error": root_squared_error,
        "mean_squared_error": squared_error,
        "mean_absolute_error": absolute_error,
    },
}
"""By task and name; `config.training.STOPPING_METRICS` names the same."""


def higher_is_better(name: str) -> bool:
    """Whether a model improves with a higher value."""
    return name in metric_catalog.METRICS and bool(metric_catalog.METRICS[name].higher_is_better)


def fit_temperature(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, task: str
) -> float:
    """The temperature from 1/4 to 4 with the smallest cross-entropy.

    Of a split whose rows are all predicted rightly any smaller one would be better, so, as in
    Platt's scaling, one row more is counted for the other classes.
    """
    doubt = 1.0 / (len(labels) + 2)
    low, high = np.log(0.25), np.log(4.0)
    golden = (5**0.5 - 1) / 2

    def loss(log_temperature: float) -> float:
        predicted = member_mean(logits, task, float(np.exp(log_temperature)))
        by_all = -np.log(np.maximum(predicted, _SMALLEST)).mean(axis=1)
        uncertain = float(np.average(by_all, weights=weights))
        return (1 - doubt) * crossentropy(predicted, labels, weights) + doubt * uncertain

    while high - low > 0.01:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) <= loss(right) else (left, high)
    return float(np.exp((low + high) / 2))
