"""What the statistics of the training split say about each column."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from tfx_pipeline.config.default_treatments import ColumnFacts
from tfx_pipeline.config.schema_file import SERVING

_TYPE = schema_pb2.FeatureType.Name
_PARTS = 10


def of_statistics(
    statistics: statistics_pb2.DatasetFeatureStatistics,
    schema: schema_pb2.Schema,
    declared: Mapping[str, str] | None = None,
) -> dict[str, ColumnFacts]:
    """The facts about each column that a request can have, in the order of the schema.

    Args:
      statistics: TFDV's, of the training split.
      schema: the columns' types and domains. Columns that are not in the environment SERVING
        are left out.
      declared: the names of types in `columns:`, by column.
    """
    found = {_name(feature): feature for feature in statistics.features}
    types = declared or {}
    return {
        feature.name: dataclasses.replace(
            _facts(feature, found.get(feature.name), statistics.num_examples),
            declared=types.get(feature.name, ""),
        )
        for feature in _served(schema)
    }


def _served(schema: schema_pb2.Schema) -> Iterator[schema_pb2.Feature]:
    for feature in schema.feature:
        only_elsewhere = feature.in_environment and SERVING not in feature.in_environment
        deprecated = feature.lifecycle_stage == schema_pb2.DEPRECATED
        if not (only_elsewhere or deprecated or SERVING in feature.not_in_environment):
            yield feature


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return feature.name or ".".join(feature.path.step)


def _facts(
    feature: schema_pb2.Feature,
    statistics: statistics_pb2.FeatureNameStatistics | None,
    rows: int,
) -> ColumnFacts:
    domain = feature.int_domain
    bounded = domain.HasField("min") and domain.HasField("max")
    known = ColumnFacts(
        name=feature.name,
        type=_TYPE(feature.type),
        rows=rows,
        present=0,
        int_range=(domain.min, domain.max) if bounded else None,
    )
    if statistics is None:
        return known
    if statistics.WhichOneof("stats") == "string_stats":
        return _of_texts(known, statistics.string_stats)
    return _of_numbers(known, statistics.num_stats)


def _of_texts(known: ColumnFacts, stats: statistics_pb2.StringStatistics) -> ColumnFacts:
    return ColumnFacts(
        name=known.name,
        type=known.type,
        rows=known.rows,
        present=stats.common_stats.num_non_missing,
        distinct=stats.unique,
        mean_length=stats.avg_length,
        examples=tuple(top.value for top in stats.top_values),
        int_range=known.int_range,
    )


def _of_numbers(known: ColumnFacts, stats: statistics_pb2.NumericStatistics) -> ColumnFacts:
    histograms = {histogram.type: histogram for histogram in stats.histograms}
    not_numbers = histograms.get(statistics_pb2.Histogram.STANDARD)
    undefined = not_numbers.num_nan if not_numbers else 0
    quantiles = histograms.get(statistics_pb2.Histogram.QUANTILES)
    buckets = list(quantiles.buckets) if quantiles else []
    median = stats.median
    deciles = (median, median, median)
    if len(buckets) == _PARTS:
        deciles = (buckets[0].high_value, buckets[4].high_value, buckets[8].high_value)
    return ColumnFacts(
        name=known.name,
        type=known.type,
        rows=known.rows,
        present=max(0, stats.common_stats.num_non_missing - undefined),
        low=stats.min,
        high=stats.max,
        deciles=deciles,
        int_range=known.int_range,
    )
