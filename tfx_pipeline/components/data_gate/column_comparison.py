"""The difference between a column's values in two sets of rows, by TFDV's statistics.

No TensorFlow: the statistics are read as plain protos. TFDV keeps ten quantiles of a
number and the most frequent texts. The quantiles are approximate, and in a column of few
different values they say little about the rows between two of them. So a number has changed
only if both its effect size and a difference that the quantiles or the mean prove are
above the noise.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.components.data_gate import noise
from tfx_pipeline.config import default_treatments

LEAST_ROWS = 200
"""With fewer values on one side a comparison says nothing."""

_SKETCH_ERROR = 0.01
"""The error of TFDV's quantiles, as a share of the rows."""

_QUANTILES = 1  # tensorflow_metadata's Histogram.QUANTILES
_SMALLEST = 1e-4


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far a column's values are apart.

    Attributes:
      measure: PSI or L-infinity.
      effect: the effect size.
      noise: what it is by chance, at most.
      proven: whether more than chance is at work.
      found: what differs most, for a message.
    """

    measure: str
    effect: float
    noise: float
    proven: bool
    found: str


def present(feature: Any) -> int:
    """The number of rows with a value."""
    which = feature.WhichOneof("stats")
    return int(getattr(feature, which).common_stats.num_non_missing) if which else 0


def categories(feature: Any) -> dict[str, float] | None:
    """The rows of each value; None for numbers and images, but 0 and 1 are categories."""
    if feature.HasField("string_stats"):
        buckets = feature.string_stats.rank_histogram.buckets
        if default_treatments.is_no_text(bucket.label for bucket in buckets):
            return None
        return {bucket.label: bucket.sample_count for bucket in buckets}
    stats = feature.num_stats
    if feature.type == 0 and stats.min >= 0 and stats.max <= 1 and present(feature):
        counts = {"0": float(stats.num_zeros), "1": float(present(feature) - stats.num_zeros)}
        return {value: rows for value, rows in counts.items() if rows}
    return None


def listed_fully(feature: Any) -> bool:
    """Whether `categories` has all values: TFDV keeps the most frequent texts."""
    stats = feature.string_stats
    return not feature.HasField("string_stats") or len(stats.rank_histogram.buckets) >= stats.unique


def of_categories(
    old: Mapping[str, float], new: Mapping[str, float], rows: tuple[int, int], chance: float
) -> Difference:
    """The largest difference of a value's share (L-infinity).

    Args:
      old, new: the rows of each value.
      rows: the rows with a value on both sides.
      chance: of a false alarm.
    """
    before, after = rows
    found = {v: new.get(v, 0) / after - old.get(v, 0) / before for v in [*old, *new]}
    if not found:
        return Difference("L-infinity", 0.0, 0.0, False, "")
    value = max(found, key=lambda v: abs(found[v]))
    each = chance / len(found)
    floor = noise.shares(before, after, old.get(value, 0), new.get(value, 0), each)
    effect = abs(found[value])
    shares = old.get(value, 0) / before, new.get(value, 0) / after
    text = f"{value!r}: {percent(shares[0])} to {percent(shares[1])}"
    return Difference("L-infinity", effect, floor, effect > floor, text)


def of_numbers(old: Any, new: Any, chance: float, threshold: float = 0.0) -> Difference:
    """The population stability index on the reference's quantiles.

    Args:
      old, new: the statistics of a column of numbers.
      chance: of a false alarm.
      threshold: the PSI that matters; a mean that moves by less than that is no proof.
    """
    before, after = present(old), present(new)
    edges, levels = _quantiles(old)
    if not len(edges):
        return Difference("PSI", 0.0, 0.0, False, "")
    index, bins = _stability(edges, levels, *_quantiles(new))
    floor = noise.population_stability(bins, before, after, chance)
    a, b = old.num_stats, new.num_stats
    deviation = max(a.std_dev, b.std_dev)
    # Where few numbers are frequent, ten quantiles make the PSI of equal rows large. A shift by d
    # standard deviations has a PSI of about d * d; half of this d must be there.
    least = deviation * math.sqrt(threshold) / 2
    floor_of_mean = noise.means(deviation, before, after, chance / 2)
    moved = abs(a.mean - b.mean) > max(least, floor_of_mean)
    apart = _least_distance(old, new) > noise.distance(before, after, chance / 2)
    text = f"median {a.median:.4g} to {b.median:.4g}, mean {a.mean:.4g} to {b.mean:.4g}"
    return Difference("PSI", index, floor, index > floor and (moved or apart), text)


def outside(old: Any, new: Any) -> float:
    """The share of the new values that is certainly beyond the old lowest and highest one."""
    low, high = old.num_stats.min, old.num_stats.max
    buckets = _buckets(new)
    total = sum(bucket.sample_count for bucket in buckets)
    out = sum(b.sample_count for b in buckets if b.low_value > high or b.high_value < low)
    return float(out / total) if total else 0.0


def _buckets(feature: Any) -> list[Any]:
    for histogram in feature.num_stats.histograms:
        if histogram.type == _QUANTILES:
            return [b for b in histogram.buckets if math.isfinite(b.low_value + b.high_value)]
    return []


def _quantiles(feature: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the buckets in order, and the share of the values up to each."""
    buckets = _buckets(feature)
    if not buckets:
        return np.zeros(0), np.zeros(0)
    counts = np.array([bucket.sample_count for bucket in buckets], float)
    edges = np.array([buckets[0].low_value, *(bucket.high_value for bucket in buckets)])
    return edges, np.concatenate([[0.0], np.cumsum(counts) / max(counts.sum(), 1.0)])


def _stability(
    edges: np.ndarray, levels: np.ndarray, other: np.ndarray, other_levels: np.ndarray
) -> tuple[float, int]:
    """PSI on the bins between the edges, and the number of bins."""
    inner = np.unique(edges[1:-1])
    expected = np.diff(_distribution(inner, edges, levels), prepend=0.0, append=1.0)
    actual = np.diff(_distribution(inner, other, other_levels), prepend=0.0, append=1.0)
    expected, actual = np.maximum(expected, _SMALLEST), np.maximum(actual, _SMALLEST)
    return float(((actual - expected) * np.log(actual / expected)).sum()), len(expected)


def _distribution(points: np.ndarray, edges: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The share of the values up to each point; at equal edges the highest level."""
    if not len(edges):
        return np.zeros(len(points))
    distinct = np.unique(edges)
    highest = levels[np.searchsorted(edges, distinct, side="right") - 1]
    return np.interp(points, distinct, highest, left=0.0, right=1.0)


def _least_distance(old: Any, new: Any) -> float:
    """The difference of the two distribution functions that the quantiles prove."""
    first, second = _quantiles(old), _quantiles(new)
    points = np.unique(np.concatenate([first[0], second[0]]))
    low, high = _bounds(points, *first)
    other_low, other_high = _bounds(points, *second)
    gaps = np.maximum(low - other_high, other_low - high)
    return float(gaps.max(initial=0.0))


def _bounds(
    points: np.ndarray, edges: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Between which shares the values up to each point are."""
    below = np.searchsorted(edges, points, side="right") - 1
    low = np.where(below >= 0, levels[np.maximum(below, 0)], 0.0)
    high = np.where(below + 1 < len(levels), levels[np.minimum(below + 1, len(levels) - 1)], 1.0)
    high = np.where(below < 0, 0.0, high)
    return low - _SKETCH_ERROR, high + _SKETCH_ERROR


def percent(share: float) -> str:
    """A share for messages: three significant digits."""
    return f"{100 * share:.3g} %"
