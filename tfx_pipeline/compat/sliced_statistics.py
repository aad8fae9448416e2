"""TFDV's statistics of all splits in one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence

import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

from tfx_pipeline.compat.table import SLICED_STATISTICS


class SplitStatistics(beam.PTransform):
    """From (split, record batch) pairs to DatasetFeatureStatisticsLists.

    The name of each DatasetFeatureStatistics is its split.

    Args:
      splits: the names of all splits.
    """

    def __init__(self, splits: Sequence[str]):
        super().__init__()
        self._splits = tuple(splits)

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Adds the statistics to a pipeline."""
        if SLICED_STATISTICS.fits():
            from tensorflow_data_validation.statistics import stats_impl

            return batches | stats_impl.GenerateSlicedStatisticsImpl(
                tfdv.StatsOptions(), is_slicing_enabled=True
            )
        parts = [
            batches
            | f"Batches{split}" >> beam.FlatMap(_of_split, split)
            | f"Statistics{split}" >> tfdv.GenerateStatistics(tfdv.StatsOptions())
            | f"Name{split}" >> beam.Map(_named, split)
            for split in self._splits
        ]
        return parts | beam.Flatten()


def _of_split(pair: tuple[str, pa.RecordBatch], split: str) -> list[pa.RecordBatch]:
    return [pair[1]] if pair[0] == split else []


def _named(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, split: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    result = statistics_pb2.DatasetFeatureStatisticsList()
    result.CopyFrom(statistics)
    for dataset in result.datasets:
        dataset.name = split
    return result
