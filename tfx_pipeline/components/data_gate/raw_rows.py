"""Reads raw rows as record batches: from the columns beside the records, or from the records."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx_bsl.coders import example_coder

from tfx_pipeline.components.common import column_store, example_files


def batches(
    artifact: types.Artifact, split: str, column: str | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a split; each column has lists of values.

    Args:
      artifact: Examples.
      split: the split's name.
      column: the only column that is needed. A batch may have more, or not have it.
    """
    for path in example_files.files([artifact], split):
        found = column_store.read(path) if column is None else _read_column(path, column)
        if found is None:
            decoder = example_coder.ExamplesToRecordBatchDecoder()
            found = map(decoder.DecodeBatch, example_files.batches(path, column_store.ROWS))
        yield from found


def _read_column(path: str, column: str) -> Iterator[pa.RecordBatch] | None:
    for kind in (schema_pb2.INT, schema_pb2.BYTES, schema_pb2.FLOAT):
        schema = schema_pb2.Schema(feature=[schema_pb2.Feature(name=column, type=kind)])
        found = column_store.read(path, schema)
        if found is not None:
            return found
    return None
