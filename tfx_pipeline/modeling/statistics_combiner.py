"""The Beam part of `column_statistics`: one combiner for all columns.

Its output is one flat vector: mean, standard deviation, minimum, maximum and mode
of each column, then each column's boundaries for each requested number of quantiles.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl import sketches
from typing_extensions import override

Wanted = tuple[tuple[bool, tuple[int, ...]], ...]
"""For each column: whether to find the mode, and the numbers of quantiles."""

_MAX_VALUES = 1 << 32

_ROUNDING = 8 * np.finfo(np.float64).eps
"""Of a range so small, relative to its values, rounding is the cause: of a mean, or of a
logarithm, which TensorFlow computes in two ways. Without this a constant has z-scores of 1."""


def combine_statistics(wanted: Wanted) -> beam.PTransform:
    """The PTransform of the analyzer: batches (float64 [rows, columns],) -> one flat vector."""
    return beam.CombineGlobally(StatisticsCombiner(wanted))


def output_size(wanted: Wanted) -> int:
    """Length of the flat vector."""
    return sum(5 + sum(parts - 1 for parts in quantiles) for _, quantiles in wanted)


@dataclasses.dataclass
class Accumulator:
    """Statistics of the rows seen so far.

    Attributes:
      count, mean, min, max: [columns].
      squares: [columns], sums of squared differences from the mean.
      values: how often each value occurs, by column number; for the mode.
      sketches: quantile sketches by column number.
    """

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    min: np.ndarray
    max: np.ndarray
    values: dict[int, collections.Counter[float]]
    sketches: dict[int, sketches.QuantilesSketch]

    def add_moments(self, count: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> None:
        """Adds the moments of more rows, by Chan's update.

        It is stable where a sum of squares would lose all digits, for example
        for timestamps.
        """
        total = self.count + count
        share = count / np.maximum(total, 1)
        delta = mean - self.mean
        self.mean = self.mean + delta * share
        self.squares = self.squares + squares + delta**2 * self.count * share
        self.count = total


class StatisticsCombiner(beam.CombineFn):
    """Moments, range, mode and quantiles of each column; NaN is a missing value."""

    def __init__(self, wanted: Wanted):
        self._wanted = wanted

    @override
    def create_accumulator(self) -> Accumulator:
        zeros = np.zeros(len(self._wanted))
        return Accumulator(
            count=zeros,
            mean=zeros,
            squares=zeros,
            min=zeros + np.inf,
            max=zeros - np.inf,
            values={i: collections.Counter() for i, (mode, _) in enumerate(self._wanted) if mode},
            sketches={
                i: sketches.QuantilesSketch(min(0.001, 0.1 / max(quantiles)), _MAX_VALUES, 1)
                for i, (_, quantiles) in enumerate(self._wanted)
                if quantiles
            },
        )

    @override
    def add_input(self, accumulator: Accumulator, batch: tuple[np.ndarray]) -> Accumulator:
        (rows,) = batch
        present = ~np.isnan(rows)
        count = present.sum(axis=0)
        mean = np.where(present, rows, 0).sum(axis=0) / np.maximum(count, 1)
        squares = np.where(present, rows - mean, 0) ** 2
        accumulator.add_moments(count, mean, squares.sum(axis=0))
        accumulator.min = np.fmin(accumulator.min, np.where(present, rows, np.inf).min(axis=0))
        accumulator.max = np.fmax(accumulator.max, np.where(present, rows, -np.inf).max(axis=0))
        for i, counter in accumulator.values.items():
            values, counts = np.unique(rows[present[:, i], i], return_counts=True)
            counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        for i, sketch in accumulator.sketches.items():
            sketch.AddValues(pa.array(rows[present[:, i], i]))
        return accumulator

    @override
    def merge_accumulators(self, accumulators: Iterable[Accumulator]) -> Accumulator:
        remaining = iter(accumulators)
        result = next(remaining)
        for other in remaining:
            result.add_moments(other.count, other.mean, other.squares)
            result.min = np.fmin(result.min, other.min)
            result.max = np.fmax(result.max, other.max)
            for i, counter in other.values.items():
                result.values[i].update(counter)
            for i, sketch in other.sketches.items():
                result.sketches[i].Merge(sketch)
        return result

    @override
    def extract_output(self, accumulator: Accumulator) -> np.ndarray:
        moments, boundaries = [], []
        for i, (_, quantiles) in enumerate(self._wanted):
            if accumulator.count[i] == 0:
                moments.append(np.zeros(5))
                boundaries += [np.zeros(parts - 1) for parts in quantiles]
            else:
                moments.append(_moments(accumulator, i))
                boundaries += [_boundaries(accumulator.sketches[i], parts) for parts in quantiles]
        return np.concatenate(moments + boundaries)


def _moments(accumulator: Accumulator, i: int) -> np.ndarray:
    """[5]: mean, standard deviation, minimum, maximum and mode of column `i`."""
    low, high = accumulator.min[i], accumulator.max[i]
    mean, std = accumulator.mean[i], np.sqrt(accumulator.squares[i] / accumulator.count[i])
    if high - low <= _ROUNDING * max(abs(low), abs(high)):
        mean, std = low, 0.0
    mode = 0.0
    if counter := accumulator.values.get(i):
        # Of equally frequent values the smallest, so that equal data gives equal results.
        mode = min(counter, key=lambda value: (-counter[value], value))
    return np.array([mean, std, low, high, mode])


def _boundaries(sketch: sketches.QuantilesSketch, parts: int) -> np.ndarray:
    """[parts - 1]: the values between `parts` equal parts."""
    quantiles = np.array(sketch.GetQuantiles(parts).to_pylist(), np.float64)
    return quantiles.reshape(-1)[1:-1]
