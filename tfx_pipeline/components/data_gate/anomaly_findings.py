"""What ExampleValidator found, as findings: one for each column and rule.

A row without any value is an anomaly of every column that the schema requires. Such rows
get one finding of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx import types

from tfx_pipeline.components.data_gate import empty_rows, quality_summary
from tfx_pipeline.errors import Finding

_ALL_COLUMNS = "(all columns)"
_MISSING = anomalies_pb2.AnomalyInfo.FEATURE_TYPE_LOW_FRACTION_PRESENT

# Texts for rules whose own description is hard to understand.
_TEXTS = {
    anomalies_pb2.AnomalyInfo.SCHEMA_MISSING_COLUMN: (
        "column missing",
        "the schema requires it, the data does not have it or it is empty",
    ),
    anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN: (
        "unknown column",
        "it is in the data and not in the schema. Add it to the schema or to data.exclude",
    ),
}

_Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatistics]


def of_splits(
    splits: Mapping[str, anomalies_pb2.Anomalies],
    statistics: _Statistics,
    examples: Sequence[types.Artifact] = (),
) -> list[Finding]:
    """One finding for each column and rule; it names the splits if they differ.

    Args:
      splits: the anomalies of each split.
      statistics: the statistics of each split.
      examples: the raw rows; without them, rows without any value get no finding of their own.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for split, anomalies in splits.items():
        infos = dict(anomalies.anomaly_info)
        if anomalies.HasField("dataset_anomaly_info"):
            infos[_ALL_COLUMNS] = anomalies.dataset_anomaly_info
        empty = _empty_rows(split, infos, statistics[split], examples)
        if empty:
            rows = _rows(empty, statistics[split])
            text = f"{rows} without a value in any column. Remove them from the data"
            found.setdefault((_ALL_COLUMNS, "empty rows"), {})[split] = text
        for column, info in infos.items():
            missing = _missing(statistics[split], column)
            for reason in info.reason:
                if reason.type == _MISSING and missing == empty:
                    continue  # only the empty rows lack the column
                rule, text = _reason(reason, missing, statistics[split])
                found.setdefault((column, rule), {})[split] = text
            if not info.reason:
                rule = info.short_description or "anomaly"
                found.setdefault((column, rule), {})[split] = info.description
    return [
        Finding(column, rule, by_split(texts, len(splits)))
        for (column, rule), texts in sorted(found.items())
    ]


def _empty_rows(
    split: str,
    infos: Mapping[str, anomalies_pb2.AnomalyInfo],
    statistics: statistics_pb2.DatasetFeatureStatistics,
    examples: Sequence[types.Artifact],
) -> int:
    """The number of rows without any value, if the schema requires one in some column."""
    if not any(reason.type == _MISSING for info in infos.values() for reason in info.reason):
        return 0
    names = [feature.name or ".".join(feature.path.step) for feature in statistics.features]
    if not names or not all(_missing(statistics, name) for name in names):
        return 0  # a column has a value in every row
    return empty_rows.count(examples, split)


def _missing(statistics: statistics_pb2.DatasetFeatureStatistics, column: str) -> int:
    feature = quality_summary.feature(statistics, column)
    if feature is None:
        return 0
    return int(statistics.num_examples - quality_summary.common(feature).num_non_missing)


def _rows(count: int, statistics: statistics_pb2.DatasetFeatureStatistics) -> str:
    return f"{count:,} of {statistics.num_examples:,} rows"


def _reason(
    reason: anomalies_pb2.AnomalyInfo.Reason,
    missing: int,
    statistics: statistics_pb2.DatasetFeatureStatistics,
) -> tuple[str, str]:
    """The rule and what was found."""
    if reason.type == _MISSING and missing:
        rows = _rows(missing, statistics)
        return "missing values", f"{rows} without a value, more than the schema's presence allows"
    rule, found = reason.short_description, reason.description
    return _TEXTS.get(reason.type, (rule[:1].lower() + rule[1:], found))


def by_split(texts: Mapping[str, str], splits: int) -> str:
    """What was found, with the names of the splits unless it is the same in all of them."""
    if len(texts) == splits and len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"split {split}: {text}" for split, text in texts.items())
