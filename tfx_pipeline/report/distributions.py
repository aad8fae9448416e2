"""A column's values in bins that all splits share, from TFDV's histograms."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

BINS = 24
_INTEGER = 0  # FeatureNameStatistics.INT
_STANDARD, _QUANTILES = 0, 1  # of Histogram.HistogramType
_ROUNDING = 1e-6
_TAIL = 6.0

Points = list[tuple[float, float]]
"""A cumulative distribution: (value, share of rows up to it), both ascending."""


@dataclasses.dataclass(frozen=True)
class Binned:
    """Shares of rows in bins of equal width.

    Attributes:
      low, high: the ends of the bins, or the smallest and the largest integer.
      shares: [splits][bins]; a split without values has no bins.
      beyond: the largest share of a split's values outside of the bins.
    """

    low: float
    high: float
    shares: list[list[float]]
    beyond: float


def binned(features: Sequence[Any]) -> Binned | None:
    """The bins of a numeric column.

    Args:
      features: TFDV's FeatureNameStatistics, one for each split; None where a split has none.

    Returns:
      None if no split has finite values.
    """
    curves = [cumulative(feature) if feature is not None else [] for feature in features]
    used = [curve for curve in curves if curve]
    if not used:
        return None
    whole = _few_integers(features, curves)
    if whole:
        return whole
    low, high = _range(used)
    if not math.isfinite(high - low):
        return None
    shares = [bin_shares(curve, low, high) if curve else [] for curve in curves]
    beyond = max(1 - sum(of_split) for of_split in shares if of_split)
    return Binned(low, high, shares, max(0.0, beyond))


def _few_integers(features: Sequence[Any], curves: Sequence[Points]) -> Binned | None:
    """A bin for each integer; None if the column has other numbers, or many of them.

    TFDV's buckets are of equal width, but do not all contain the same number of integers. So the
    rows of a bucket are divided among its integers.
    """
    used = [curve for curve in curves if curve]
    low, high = min(c[0][0] for c in used), max(c[-1][0] for c in used)
    if not 0 < high - low < BINS or any(f is not None and f.type != _INTEGER for f in features):
        return None
    shares = [
        _integer_shares(feature, round(low), round(high)) if curve else []
        for feature, curve in zip(features, curves, strict=True)
    ]
    return Binned(low, high, shares, 0.0)


def _integer_shares(feature: Any, low: int, high: int) -> list[float]:
    """The share of rows with each integer from `low` to `high`."""
    counts = [0.0] * (high - low + 1)
    for histogram in feature.num_stats.histograms:
        if histogram.type != _STANDARD:
            continue
        for i, bucket in enumerate(histogram.buckets):
            # TFDV counts the upper end with a bucket, and both ends with the first one.
            first, last = (
                math.floor(end + _ROUNDING) for end in (bucket.low_value, bucket.high_value)
            )
            whole = range(first if i == 0 else first + 1, last + 1)
            for value in whole:
                counts[value - low] += bucket.sample_count / len(whole)
    total = sum(counts) or 1
    return [count / total for count in counts]


def _range(curves: list[Points]) -> tuple[float, float]:
    """From the smallest to the largest value, but not far beyond the middle 80 %."""
    low, high = min(c[0][0] for c in curves), max(c[-1][0] for c in curves)
    tenth = min(quantile(c, 0.1) for c in curves)
    ninetieth = max(quantile(c, 0.9) for c in curves)
    width = ninetieth - tenth
    if width > 0 and high - low > _TAIL * width:
        low, high = max(low, tenth - 1.5 * width), min(high, ninetieth + 1.5 * width)
    if low == high:
        half = abs(low) / 2 or 0.5
        return low - half, high + half
    return low, high


def cumulative(feature: Any) -> Points:
    """The distribution of a numeric column: TFDV's buckets of equal width and its quantiles."""
    points: Points = []
    for histogram in feature.num_stats.histograms:
        buckets = [b for b in histogram.buckets if _finite(b)]
        total = sum(bucket.sample_count for bucket in buckets)
        if not total:
            continue
        seen = 0.0
        points.append((buckets[0].low_value, 0.0))
        for bucket in buckets:
            seen += bucket.sample_count
            points.append((bucket.high_value, seen / total))
    points.sort()
    result: Points = []
    highest = 0.0
    for value, share in points:
        highest = max(highest, share)
        result.append((value, highest))
    return result


def _finite(bucket: Any) -> bool:
    return math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value)


def quantile(curve: Points, share: float) -> float:
    """The value up to which about that share of the rows is."""
    index = bisect.bisect_left([point[1] for point in curve], share)
    if index == 0 or index == len(curve):
        return curve[min(index, len(curve) - 1)][0]
    (x0, y0), (x1, y1) = curve[index - 1], curve[index]
    return x0 + (x1 - x0) * (share - y0) / (y1 - y0)


def deciles(feature: Any) -> list[float]:
    """TFDV's quantiles of a numeric column: the ends of ten buckets; empty without these."""
    for histogram in feature.num_stats.histograms:
        if histogram.type == _QUANTILES and len(histogram.buckets) == 10:
            return [histogram.buckets[0].low_value, *(b.high_value for b in histogram.buckets)]
    return []


def bin_shares(curve: Points, low: float, high: float) -> list[float]:
    """The share of rows in each of the bins from `low` to `high`."""
    width = (high - low) / BINS
    edges = [low + i * width for i in range(BINS)] + [high]
    values = [point[0] for point in curve]
    at = [_share_up_to(curve, values, edge) for edge in edges]
    # The first bin contains its lower end.
    at[0] = 0.0 if low <= values[0] else at[0]
    return [max(0.0, b - a) for a, b in itertools.pairwise(at)]


def _share_up_to(curve: Points, values: list[float], value: float) -> float:
    index = bisect.bisect_right(values, value)
    if index == 0:
        return 0.0
    if index == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[index - 1], curve[index]
    return y0 + (y1 - y0) * (value - x0) / (x1 - x0)


def total_variation(one: Sequence[float], other: Sequence[float]) -> float:
    """Half the sum of the differences of shares: 0 for equal, 1 for disjoint distributions."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2


def beyond_chance(distance: float, bins: int, rows: tuple[float, float]) -> bool:
    """Whether a total variation is clearly more than samples of that size differ by."""
    if min(rows) < 30:
        return False
    chance = math.sqrt(bins / (2 * math.pi) * (1 / rows[0] + 1 / rows[1]))
    # TFDV's histograms are coarse: some of the difference is theirs.
    return distance > 0.1 and distance > 2 * chance
