"""Encodes columns as serialized tf.Examples, column by column in Arrow.

The bytes are those of `Example.SerializeToString(deterministic=True)`. (tfx_bsl's
RecordBatchToExamplesEncoder is not deterministic.) A missing value is a feature
without a kind, which TensorFlow Data Validation counts as missing. TFX's CsvExampleGen
writes a list without values instead, which counts as present, so that the `presence`
rule of a schema never finds it. Each row still gets the split that TFX gives it: the
hash is of the bytes that CsvExampleGen would have written.

A tf.Example is one map entry for each column, sorted by name. An entry depends only on
its column: `protobuf_wire` makes those of one column. Here all entries of a block are
in one array, and each row is put together from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.compat import map_order
from tfx_pipeline.components.common import protobuf_wire
from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.common.protobuf_wire import Column


class Block(NamedTuple):
    """Serialized tf.Examples, and the bytes from which their splits are hashed.

    Attributes:
      records: one tf.Example for each row.
      keys: the bytes that TFX's CsvExampleGen would have written.
      columns: the same rows as flat columns of the types that tf.Examples have,
        null where a value is missing; None if the columns are not known.
    """

    records: list[bytes] | pa.Array
    keys: list[bytes] | pa.Array
    columns: pa.RecordBatch | None = None


def encode(columns: Mapping[str, pa.Array], kinds: Mapping[str, Kind]) -> Block:
    """One serialized tf.Example for each row.

    Args:
      columns: arrays of equal length; strings or bytes, int64 or float64 by kind.
      kinds: the kind of each column, EMPTY where no row of any file has a value.
    """
    names = sorted(columns, key=map_order.sort_key)
    encoded = [protobuf_wire.encode(name.encode(), columns[name], kinds[name]) for name in names]
    absent = [protobuf_wire.without_kind(name.encode()) for name in names]
    stock_absent = [protobuf_wire.without_values(name.encode(), kinds[name]) for name in names]
    chosen = _chosen_entries(encoded)
    records = _rows(encoded, absent, chosen)
    flat = pa.RecordBatch.from_arrays([_flat(columns[n], kinds[n]) for n in names], names)
    # An absent value of column i is entry i, see `_chosen_entries`.
    different = [i for i, pair in enumerate(zip(absent, stock_absent)) if pair[0] != pair[1]]
    if not any((chosen == entry).any() for entry in different):
        return Block(records, records, flat)
    return Block(records, _rows(encoded, stock_absent, chosen), flat)


def encode_complete(columns: Mapping[str, pa.Array]) -> pa.Array:
    """One serialized tf.Example for each row of columns in which no value is missing.

    Raises:
      TypeError: a column has a type that tf.Examples cannot hold.
    """
    encoded = []
    for name in sorted(columns, key=map_order.sort_key):
        kind = arrow_kind(columns[name].type)
        if kind is None:
            raise TypeError(f"column {name!r} has the type {columns[name].type}")
        encoded.append(protobuf_wire.encode(name.encode(), columns[name], kind))
    return _rows(encoded, [b""] * len(encoded), _chosen_entries(encoded))


def _flat(array: pa.Array, kind: Kind) -> pa.Array:
    """The values in the type that a tf.Example has."""
    if kind == Kind.EMPTY:
        return pa.nulls(len(array))
    if kind == Kind.FLOAT:
        missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        floats = protobuf_wire.as_floats(pc.fill_null(array, 0.0))
        return pa.array(floats, pa.float32(), mask=missing)
    return array.cast(pa.large_binary() if kind == Kind.BYTES else pa.int64())


def _chosen_entries(columns: list[Column]) -> np.ndarray:
    """Which entries a row has, [rows, columns].

    Entries are counted over all columns. The first ones, one for each column, are the
    entries of absent values.
    """
    chosen = np.empty((len(columns[0].indices), len(columns)), np.int32)
    before = len(columns)
    for position, column in enumerate(columns):
        missing = column.indices == protobuf_wire.MISSING
        chosen[:, position] = np.where(missing, position, column.indices + before)
        before += len(column.entries)
    return chosen


def _rows(columns: list[Column], absent: list[bytes], chosen: np.ndarray) -> pa.Array:
    """Serialized tf.Examples of the chosen entries.

    Args:
      absent: the entry of an absent value, for each column.
      chosen: [rows, columns], see `_chosen_entries`.
    """
    binary = pa.binary()
    entries = [pa.array(absent, binary), *(column.entries for column in columns)]
    lengths = pc.binary_length(pa.concat_arrays(entries)).to_numpy()
    heads = protobuf_wire.heads(1, lengths[chosen].sum(axis=1))
    parts = pa.concat_arrays([*entries, heads.entries])
    order = np.concatenate([heads.indices[:, None] + len(lengths), chosen], axis=1)
    flat = parts.take(pa.array(order.reshape(-1)))
    offsets = np.frombuffer(flat.buffers()[1], np.int32)[: order.size + 1 : order.shape[1]]
    buffers = [None, pa.py_buffer(offsets.copy()), flat.buffers()[2]]
    return pa.Array.from_buffers(binary, len(order), buffers)
