"""Record batches to serialized tf.Examples, column by column in Arrow.

The bytes are those of `Example.SerializeToString(deterministic=True)`. (tfx_bsl's
RecordBatchToExamplesEncoder is not deterministic.) A missing value is a feature
without a kind, which is what TensorFlow Data Validation counts as missing. TFX's
CsvExampleGen writes a list without values instead, which counts as present, so
that a schema's `presence` never notices. Each row's split is still TFX's: the
hash is of the bytes that CsvExampleGen would have written.

An Example is one map entry for each column, sorted by name. An entry depends on
nothing but its column: `map_entries` makes those of a column. Here all entries of
a block lie in one array, and rows are taken from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.components.common import protobuf_wire
from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.common.protobuf_wire import Column


class Block(NamedTuple):
    """Serialized tf.Examples, and what their splits are hashed from.

    Attributes:
      records: one tf.Example for each row.
      keys: the bytes that TFX's CsvExampleGen would have written.
      columns: the same rows as flat columns of the types that tf.Examples have,
        null where a value is missing; None where nobody knows the columns.
    """

    records: Sequence[Any]
    keys: Sequence[Any]
    columns: pa.RecordBatch | None = None


def encode(columns: Mapping[str, pa.Array], kinds: Mapping[str, Kind]) -> Block:
    """One serialized tf.Example for each row.

    Args:
      columns: arrays of equal length; strings or bytes, int64 or float64 by kind.
      kinds: the kind of each column, EMPTY where no row of any file has a value.
    """
    names = sorted(columns, key=lambda name: name.encode())
    made = [protobuf_wire.encode(name.encode(), columns[name], kinds[name]) for name in names]
    absent = [protobuf_wire.without_kind(name.encode()) for name in names]
    stock = [protobuf_wire.without_values(name.encode(), kinds[name]) for name in names]
    choice = _choice(made)
    records = _rows(made, absent, choice)
    flat = pa.RecordBatch.from_arrays([_flat(columns[n], kinds[n]) for n in names], names)
    if not any((choice == place).any() for place in _different(absent, stock)):
        return Block(records, records, flat)
    return Block(records, _rows(made, stock, choice), flat)


def encode_complete(columns: Mapping[str, pa.Array]) -> pa.Array:
    """One serialized tf.Example for each row of columns in which no value is missing."""
    names = sorted(columns, key=lambda name: name.encode())
    made = [
        protobuf_wire.encode(n.encode(), columns[n], arrow_kind(columns[n].type)) for n in names
    ]
    return _rows(made, [b""] * len(names), _choice(made))


def _flat(array: pa.Array, kind: Kind) -> pa.Array:
    """The values as a tf.Example holds them."""
    if kind == Kind.EMPTY:
        return pa.nulls(len(array))
    if kind == Kind.FLOAT:
        missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        floats = protobuf_wire.as_floats(pc.fill_null(array, 0.0))
        return pa.array(floats, pa.float32(), mask=missing)
    return array.cast(pa.large_binary() if kind == Kind.BYTES else pa.int64())


def _different(absent: list[bytes], stock: list[bytes]) -> list[int]:
    return [place for place, pair in enumerate(zip(absent, stock)) if pair[0] != pair[1]]


def _choice(columns: list[Column]) -> np.ndarray:
    """Which entries a row has, [rows, columns].

    They are counted over all columns; before them come the columns' stand-ins.
    """
    choice = np.empty((len(columns[0].indices), len(columns)), np.int32)
    before = len(columns)
    for place, column in enumerate(columns):
        missing = column.indices == protobuf_wire.MISSING
        choice[:, place] = np.where(missing, place, column.indices + before)
        before += len(column.entries)
    return choice


def _rows(columns: list[Column], stand_ins: list[bytes], choice: np.ndarray) -> pa.Array:
    """Examples of the chosen entries."""
    binary = pa.binary()
    entries = [pa.array(stand_ins, binary), *(column.entries for column in columns)]
    lengths = pc.binary_length(pa.concat_arrays(entries)).to_numpy()
    heads = protobuf_wire.heads(1, lengths[choice].sum(axis=1))
    parts = pa.concat_arrays([*entries, heads.entries])
    order = np.concatenate([heads.indices[:, None] + len(lengths), choice], axis=1)
    flat = parts.take(pa.array(order.reshape(-1)))
    offsets = np.frombuffer(flat.buffers()[1], np.int32)[: order.size + 1 : order.shape[1]]
    buffers = [None, pa.py_buffer(offsets.copy()), flat.buffers()[2]]
    return pa.Array.from_buffers(binary, len(order), buffers)
