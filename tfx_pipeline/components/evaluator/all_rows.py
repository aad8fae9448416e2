"""Accumulators that keep more of the rows, for the slice of all rows only.

A confusion matrix or a sample for each of many slices would be large.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfx_pipeline.components.evaluator.metric_accumulators import (
    Accumulator,
    BinaryAccumulator,
    MulticlassAccumulator,
    RegressionAccumulator,
)
from tfx_pipeline.config import metric_catalog

_MOST_CLASSES = 1000
_SAMPLE = 2000


@dataclasses.dataclass(frozen=True)
class DetailedMulticlassAccumulator(MulticlassAccumulator):
    """With the confusion matrix.

    Attributes:
      confusion: [classes + 1, classes]; weights of rows by actual and predicted class. The last
        row is for classes that the model does not have. Empty for more than 1,000 classes.
      names: the classes' names; empty if the model has none.
    """

    confusion: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 0)))
    names: tuple[str, ...] = ()

    @classmethod
    def from_rows(
        cls,
        labels: np.ndarray,
        predictions: np.ndarray,
        weights: np.ndarray | None = None,
        names: Sequence[str] = (),
    ) -> DetailedMulticlassAccumulator:
        """As `MulticlassAccumulator.from_rows`, with the names of the classes."""
        sums = MulticlassAccumulator.from_rows(labels, predictions, weights).sums
        return cls(sums, _confusion(labels, predictions, weights), tuple(names))

    def merged(self, other: MulticlassAccumulator) -> DetailedMulticlassAccumulator:
        """See `Accumulator`."""
        assert isinstance(other, DetailedMulticlassAccumulator)  # noqa: S101
        sums = super().merged(other).sums
        return DetailedMulticlassAccumulator(sums, self.confusion + other.confusion, self.names)


@dataclasses.dataclass(frozen=True)
class DetailedRegressionAccumulator(RegressionAccumulator):
    """With a sample of rows.

    Attributes:
      sample: [rows, 3]; a number that orders the sample, the label, the prediction. Those with
        the smallest numbers are kept: the same whatever the order of merging is.
    """

    sample: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 3)))

    @classmethod
    def from_rows(
        cls, labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None = None
    ) -> DetailedRegressionAccumulator:
        """As `RegressionAccumulator.from_rows`."""
        base = RegressionAccumulator.from_rows(labels, predictions, weights)
        return cls(base.sums, base.means, base.moments, _sample(labels, predictions))

    def merged(self, other: RegressionAccumulator) -> DetailedRegressionAccumulator:
        """See `Accumulator`."""
        assert isinstance(other, DetailedRegressionAccumulator)  # noqa: S101
        base = super().merged(other)
        sample = _smallest(np.concatenate([self.sample, other.sample]))
        return DetailedRegressionAccumulator(base.sums, base.means, base.moments, sample)


def of_all_rows(
    task: str,
    labels: np.ndarray,
    predictions: np.ndarray,
    weights: np.ndarray,
    names: Sequence[str],
) -> Accumulator:
    """The accumulator of the slice of all rows; arguments as in `Accumulator.from_rows`.

    Args:
      names: the names of the classes; empty if they have none.
    """
    if task == metric_catalog.MULTICLASS:
        return DetailedMulticlassAccumulator.from_rows(labels, predictions, weights, names)
    if task == metric_catalog.REGRESSION:
        return DetailedRegressionAccumulator.from_rows(labels, predictions, weights)
    return BinaryAccumulator.from_rows(labels, predictions, weights)


def _confusion(
    labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray | None
) -> np.ndarray:
    count = predictions.shape[1]
    if count > _MOST_CLASSES:
        return np.zeros((0, 0))
    cells = labels.astype(np.int64) * count + predictions.argmax(axis=1)
    return np.bincount(cells, weights, (count + 1) * count).reshape(count + 1, count)


def _sample(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    pairs = np.stack([labels, predictions], axis=1).astype(np.float64)
    bits = pairs.view(np.uint64)
    # Multiplicative hashing (Knuth): equal pairs have equal numbers, all others are spread out.
    with np.errstate(over="ignore"):
        mixed = (bits[:, 0] ^ (bits[:, 1] >> np.uint64(7))) * np.uint64(0x9E3779B97F4A7C15)
    order = (mixed >> np.uint64(11)).astype(np.float64)
    return _smallest(np.column_stack([order, pairs]))


def _smallest(sample: np.ndarray) -> np.ndarray:
    return sample[np.lexsort(sample.T[::-1])[:_SAMPLE]]
