"""Reads raw rows as record batches: from the columns beside the records, or from the records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from tfx import types
from tfx_bsl.coders import example_coder

from tfx_pipeline.components.common import column_store, example_files


def batches(
    artifact: types.Artifact, split: str, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of a split; each column has lists of values.

    Args:
      artifact: Examples.
      split: the split's name.
      columns: the only columns that are needed. A batch may have more, or not have them.
    """
    for path in example_files.files([artifact], split):
        found = column_store.read(path, columns=columns)
        if found is None:
            decoder = example_coder.ExamplesToRecordBatchDecoder()
            found = map(decoder.DecodeBatch, example_files.batches(path, column_store.ROWS))
        yield from found
