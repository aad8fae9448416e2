"""Counts rows without any value, such as `,,` in a CSV file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx import types
from tfx.types import artifact_utils

from tfx_pipeline.components.common import raw_rows


def count(examples: Sequence[types.Artifact], split: str) -> int:
    """The number of rows of a split in which no column has a value."""
    found = 0
    for artifact in examples:
        if split in artifact_utils.decode_split_names(artifact.split_names):
            found += sum(map(_in_batch, raw_rows.batches(artifact, split)))
    return found


def _in_batch(batch: pa.RecordBatch) -> int:
    empty = np.ones(len(batch), bool)
    for column in batch.columns:
        if not pa.types.is_null(column.type):
            lengths = pc.fill_null(pc.list_value_length(column), 0)
            empty &= lengths.to_numpy(zero_copy_only=False) == 0
    return int(empty.sum())
