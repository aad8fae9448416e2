"""A column with the split's name, where only record batches can be passed on.

The input and output of `TransformDataset` are record batches. A pass-through column
identifies the split of each output batch, so that one `TransformDataset`, which loads
the graph once, transforms all splits.
"""

from __future__ import annotations

import pyarrow as pa

from tfx_pipeline.components.common import column_store

NAME = "tfx_pipeline.split"
_FIELD = pa.field(NAME, pa.large_list(pa.large_binary()))


def added_to(schema: pa.Schema) -> pa.Schema:
    """Returns the schema of batches that `mark` returns."""
    return schema.append(_FIELD)


def mark(pair: tuple[str, pa.RecordBatch]) -> pa.RecordBatch:
    """Returns the batch with one more column that has the split's name in each row."""
    split, batch = pair
    values = pa.array([split.encode()] * batch.num_rows, pa.large_binary())
    column = column_store.as_lists(values, _FIELD.type)
    return pa.RecordBatch.from_arrays([*batch.columns, column], schema=added_to(batch.schema))


def unmark(pair: tuple[pa.RecordBatch, dict[str, pa.Array]]) -> tuple[str, pa.RecordBatch]:
    """Returns the split and the batch without the column.

    Args:
      pair: an output of `TransformDataset`: a batch, and separately the pass-through
        columns if they have another number of rows.
    """
    batch, separate = pair
    if NAME in separate:
        return _first(separate[NAME]), batch
    position = batch.schema.get_field_index(NAME)
    columns = [column for index, column in enumerate(batch.columns) if index != position]
    rest = pa.RecordBatch.from_arrays(columns, schema=batch.schema.remove(position))
    return _first(batch.column(position)), rest


def _first(column: pa.Array) -> str:
    return column[0].as_py()[0].decode()
