"""Summarises data that passed the gate: the columns with many missing values."""

from __future__ import annotations

from collections.abc import Iterable

from tensorflow_metadata.proto.v0 import statistics_pb2

_LEAST_SHARE = 0.2
_MOST_COLUMNS = 6


def missing_values(splits: Iterable[statistics_pb2.DatasetFeatureStatistics]) -> str:
    """One line with the columns in which 20 % of the values or more are missing; may be empty."""
    rows, present = 0, dict[str, int]()
    for statistics in splits:
        rows += statistics.num_examples
        for feature in statistics.features:
            name = feature.name or ".".join(feature.path.step)
            present[name] = present.get(name, 0) + common(feature).num_non_missing
    shares = {name: 1 - count / rows for name, count in present.items()} if rows else {}
    names = [name for name in shares if shares[name] >= _LEAST_SHARE]
    if not names:
        return ""
    names.sort(key=lambda name: (-shares[name], name))
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    listed = [f"{name} {_percent(shares[name])}" for name in names[:_MOST_COLUMNS]]
    return f"missing values: {', '.join(listed)}{more}"


def common(feature: statistics_pb2.FeatureNameStatistics) -> statistics_pb2.CommonStatistics:
    """The statistics that columns of all types have."""
    which = feature.WhichOneof("stats")
    return getattr(feature, which).common_stats if which else statistics_pb2.CommonStatistics()


def _percent(share: float) -> str:
    # Not "100 %" if a few values are there.
    return "over 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")
