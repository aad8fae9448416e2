"""Summarises data that passed the gate: missing values, many or all in training; infinite ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tensorflow_metadata.proto.v0 import statistics_pb2

from tfx_pipeline.errors import first_of, shown_name

_LEAST_SHARE = 0.2
_MOST_COLUMNS = 6


def missing_values(splits: Iterable[statistics_pb2.DatasetFeatureStatistics]) -> str:
    """One line with the columns in which 20 % of the values or more are missing; may be empty."""
    splits = tuple(splits)
    rows, present = sum(statistics.num_examples for statistics in splits), _present(splits)
    shares = {name: 1 - count / rows for name, count in present.items()} if rows else {}
    names = [name for name in shares if shares[name] >= _LEAST_SHARE]
    if not names:
        return ""
    names.sort(key=lambda name: (-shares[name], name))
    listed = [f"{shown_name(name)} {_percent(shares[name])}" for name in names]
    return f"missing values: {first_of(listed, _MOST_COLUMNS)}"


def untrained_values(splits: Mapping[str, statistics_pb2.DatasetFeatureStatistics]) -> str:
    """One line with the columns that have values, but none in the split `train`; may be empty.

    A model learns nothing about such values, and answers by chance where they appear.
    """
    others = _present(splits[name] for name in splits if name != "train")
    trained = _present([splits["train"]]) if "train" in splits else others
    names = [name for name, count in others.items() if count and not trained.get(name)]
    if not names:
        return ""
    listed = first_of([shown_name(name) for name in sorted(names)], _MOST_COLUMNS)
    return f"no value in the split train, so the model cannot learn from it: {listed}"


def _present(splits: Iterable[statistics_pb2.DatasetFeatureStatistics]) -> dict[str, int]:
    """By column, the number of rows with a value."""
    present: dict[str, int] = {}
    for statistics in splits:
        for feature in statistics.features:
            name = feature.name or ".".join(feature.path.step)
            present[name] = present.get(name, 0) + common(feature).num_non_missing
    return present


def infinite_values(splits: Iterable[statistics_pb2.DatasetFeatureStatistics]) -> str:
    """One line with the columns that have infinite values; may be empty.

    A tf.Example has float32 numbers, in which 1e300 is infinite, and treatments take infinite
    values as missing.
    """
    counts: dict[str, int] = {}
    for statistics in splits:
        for feature in statistics.features:
            if infinite := _infinite(feature.num_stats):
                name = feature.name or ".".join(feature.path.step)
                counts[name] = counts.get(name, 0) + infinite
    if not counts:
        return ""
    listed = [f"{shown_name(name)} {count:,}" for name, count in sorted(counts.items())]
    found = first_of(listed, _MOST_COLUMNS)
    return f"infinite or beyond 3.4e38, and so treated as missing: {found}"


def _infinite(stats: statistics_pb2.NumericStatistics) -> int:
    """The number of infinite values: their own buckets of the standard histogram."""
    for histogram in stats.histograms:
        if histogram.type == statistics_pb2.Histogram.STANDARD:
            infinite = (b for b in histogram.buckets if _is_infinite(b.low_value, b.high_value))
            return round(sum(bucket.sample_count for bucket in infinite))
    return 0


def _is_infinite(low: float, high: float) -> bool:
    return math.isinf(low) and math.isinf(high)


def feature(
    statistics: statistics_pb2.DatasetFeatureStatistics, name: str
) -> statistics_pb2.FeatureNameStatistics | None:
    """The statistics of a column; None if there are none."""
    for found in statistics.features:
        if found.name == name or list(found.path.step) == [name]:
            return found
    return None


def common(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """The statistics that columns of all types have."""
    which = feature.WhichOneof("stats")
    return getattr(feature, which).common_stats if which else statistics_pb2.CommonStatistics()


def _percent(share: float) -> str:
    # Not "100 %" if a few values are there.
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")
