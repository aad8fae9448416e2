"""TFDV's statistics of the taxi table, as it is or changed."""

from __future__ import annotations

import functools
import pathlib

import numpy as np
import pyarrow as pa
from pyarrow import csv

TAXI = pathlib.Path(__file__).parents[3] / "data" / "taxi" / "trips.csv"
LABEL = "big_tipper"


@functools.cache
def table() -> pa.Table:
    """The columns that have values."""
    found = csv.read_csv(TAXI)
    return found.select([n for n in found.column_names if not pa.types.is_null(found[n].type)])


def resampled(rows: int, seed: int) -> pa.Table:
    """Rows drawn with replacement."""
    return table().take(np.random.default_rng(seed).integers(0, len(table()), rows))


def statistics(rows: pa.Table):
    """The DatasetFeatureStatistics of a table."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    lists = [_lists(rows[name].combine_chunks()) for name in rows.column_names]
    batch = pa.RecordBatch.from_arrays(lists, rows.column_names)
    return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions()).datasets[0]


def _lists(values: pa.Array) -> pa.Array:
    """One list a row, null where the value is missing: how TFX reads tf.Examples."""
    if pa.types.is_floating(values.type):
        values = values.cast(pa.float32())
    elif pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.append(0, np.cumsum(valid)), mask=np.append(~valid, False))
    return pa.LargeListArray.from_arrays(offsets, values.drop_null())


def replaced(rows: pa.Table, name: str, values) -> pa.Table:
    """The table with other values in a column."""
    return rows.set_column(rows.column_names.index(name), name, values)
