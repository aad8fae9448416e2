"""The Beam half of `summary`: a combiner over stacked columns.

Its output is one flat vector: mean, standard deviation, minimum, maximum and mode
of each column, then each column's boundaries of each wanted quantile split.
"""

from __future__ import annotations

import collections
import dataclasses

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl import sketches

Wanted = tuple[tuple[bool, tuple[int, ...]], ...]
"""For each column: is the mode wanted, and which quantile splits."""

_MAX_VALUES = 1 << 32


def summarize_columns(wanted: Wanted) -> beam.PTransform:
    """The transform that `summary.summarize` gives to TFT."""
    return beam.CombineGlobally(Summarize(wanted))


def output_size(wanted: Wanted) -> int:
    """Length of the flat output."""
    return sum(5 + sum(parts - 1 for parts in quantiles) for _, quantiles in wanted)


@dataclasses.dataclass
class Accumulator:
    """What is known of the rows seen so far; arrays have one entry for each column."""

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    min: np.ndarray
    max: np.ndarray
    values: dict[int, collections.Counter]
    sketches: dict[int, sketches.QuantilesSketch]


class Summarize(beam.CombineFn):
    """Count, mean, variance, range, mode and quantiles of each column; NaN is no value."""

    def __init__(self, wanted: Wanted):
        self._wanted = wanted

    def create_accumulator(self) -> Accumulator:
        zeros = np.zeros(len(self._wanted))
        return Accumulator(
            count=zeros,
            mean=zeros,
            squares=zeros,
            min=zeros + np.inf,
            max=zeros - np.inf,
            values={i: collections.Counter() for i, want in enumerate(self._wanted) if want[0]},
            sketches={i: _sketch(want[1]) for i, want in enumerate(self._wanted) if want[1]},
        )

    def add_input(self, accumulator: Accumulator, batch: tuple[np.ndarray]) -> Accumulator:
        rows = batch[0]
        present = ~np.isnan(rows)
        count = present.sum(axis=0)
        mean = np.where(present, rows, 0).sum(axis=0) / np.maximum(count, 1)
        squares = np.where(present, rows - mean, 0) ** 2
        _add_moments(accumulator, count, mean, squares.sum(axis=0))
        accumulator.min = np.fmin(accumulator.min, np.where(present, rows, np.inf).min(axis=0))
        accumulator.max = np.fmax(accumulator.max, np.where(present, rows, -np.inf).max(axis=0))
        for i, counter in accumulator.values.items():
            values, counts = np.unique(rows[present[:, i], i], return_counts=True)
            counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        for i, sketch in accumulator.sketches.items():
            sketch.AddValues(pa.array(rows[present[:, i], i]))
        return accumulator

    def merge_accumulators(self, accumulators) -> Accumulator:
        accumulators = iter(accumulators)
        result = next(accumulators)
        for other in accumulators:
            _add_moments(result, other.count, other.mean, other.squares)
            result.min = np.fmin(result.min, other.min)
            result.max = np.fmax(result.max, other.max)
            for i, counter in other.values.items():
                result.values[i].update(counter)
            for i, sketch in other.sketches.items():
                result.sketches[i].Merge(sketch)
        return result

    def extract_output(self, accumulator: Accumulator) -> np.ndarray:
        numbers, boundaries = [], []
        for i, (_, quantiles) in enumerate(self._wanted):
            empty = accumulator.count[i] == 0
            numbers.append(np.zeros(5) if empty else _numbers(accumulator, i))
            boundaries += [
                np.zeros(n - 1) if empty else _boundaries(accumulator.sketches[i], n)
                for n in quantiles
            ]
        return np.concatenate(numbers + boundaries)


def _add_moments(accumulator: Accumulator, count, mean, squares) -> None:
    """Chan's update: stable where sums of squares would lose all digits (timestamps)."""
    total = accumulator.count + count
    share = count / np.maximum(total, 1)
    delta = mean - accumulator.mean
    accumulator.mean = accumulator.mean + delta * share
    accumulator.squares = accumulator.squares + squares + delta**2 * accumulator.count * share
    accumulator.count = total


def _numbers(accumulator: Accumulator, i: int) -> np.ndarray:
    std = np.sqrt(accumulator.squares[i] / accumulator.count[i])
    mode = _mode(accumulator.values[i]) if i in accumulator.values else 0.0
    return np.array([accumulator.mean[i], std, accumulator.min[i], accumulator.max[i], mode])


def _mode(counter: collections.Counter) -> float:
    """The most frequent value; of several the smallest, so that equal data gives equal bytes."""
    return min(counter, key=lambda value: (-counter[value], value))


def _sketch(quantiles: tuple[int, ...]) -> sketches.QuantilesSketch:
    error = min(0.001, 0.1 / max(quantiles))
    return sketches.QuantilesSketch(error, _MAX_VALUES, 1)


def _boundaries(sketch: sketches.QuantilesSketch, parts: int) -> np.ndarray:
    quantiles = np.array(sketch.GetQuantiles(parts).to_pylist(), np.float64)
    return quantiles.reshape(-1)[1:-1]
