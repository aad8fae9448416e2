"""Record batches to serialized tf.Examples, column by column in Arrow.

The bytes are those of `Example.SerializeToString(deterministic=True)`. (tfx_bsl's
RecordBatchToExamplesEncoder is not deterministic.) A missing value is a feature
without a kind, which is what TensorFlow Data Validation counts as missing. TFX's
CsvExampleGen writes a list without values instead, which counts as present, so
that a schema's `presence` never notices. Each row's split is still TFX's: the
hash is of the bytes that CsvExampleGen would have written.

An Example is one map entry for each column, sorted by name. An entry depends on
nothing but its column: entries are made once for each distinct value, or for
floats by copying four bytes, and joined row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.components.column_types import Kind

_LEN = 2  # protobuf's wire type of a field with a length
_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = 1, 2, 3  # tf.train.Feature's fields
_BINARY = pa.binary()


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
    entries = [_entries(name.encode(), columns[name], kinds[name]) for name in names]
    absent = [_map_entry(name.encode(), b"") for name in names]
    stock = [_map_entry(name.encode(), _no_values(kinds[name])) for name in names]
    records = _join(entries, absent)
    flat = pa.RecordBatch.from_arrays([_flat(columns[n], kinds[n]) for n in names], names)
    if all(e.null_count == 0 or a == s for e, a, s in zip(entries, absent, stock, strict=True)):
        return Block(records, records, flat)
    return Block(records, _join(entries, stock), flat)


def _flat(array: pa.Array, kind: Kind) -> pa.Array:
    """The values as a tf.Example holds them."""
    if kind == Kind.EMPTY:
        return pa.nulls(len(array))
    if kind == Kind.FLOAT:
        missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
        return pa.array(_as_floats(array), pa.float32(), mask=missing)
    return array.cast(pa.large_binary() if kind == Kind.BYTES else pa.int64())


def _as_floats(array: pa.Array) -> np.ndarray:
    """float32; infinite where the value is too large, 0 where it is missing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return pc.fill_null(array, 0.0).to_numpy(zero_copy_only=False).astype("<f4")


def _join(entries: list[pa.Array], missing: list[bytes]) -> pa.Array:
    """Rows from columns of map entries, with a stand-in for each missing one."""
    nothing = pa.scalar(b"", _BINARY)
    filled = [
        pc.fill_null(entry, pa.scalar(stand_in, _BINARY)) if entry.null_count else entry
        for entry, stand_in in zip(entries, missing, strict=True)
    ]
    features = pc.binary_join_element_wise(*filled, nothing)
    lengths = pc.binary_length(features).dictionary_encode()
    heads = [_head(1, length) for length in lengths.dictionary.to_pylist()]
    return pc.binary_join_element_wise(
        pa.array(heads, _BINARY).take(lengths.indices), features, nothing
    )


def _entries(name: bytes, array: pa.Array, kind: Kind) -> pa.Array:
    """The column's map entries; null where the value is missing."""
    if kind == Kind.EMPTY or array.null_count == len(array):
        return pa.nulls(len(array), _BINARY)
    if kind == Kind.FLOAT:
        return _float_entries(name, array)
    make: Callable[[Any], bytes] = _bytes_feature if kind == Kind.BYTES else _int_feature
    encoded = array.dictionary_encode()
    values = encoded.dictionary.cast(_BINARY) if kind == Kind.BYTES else encoded.dictionary
    distinct = [_map_entry(name, make(value)) for value in values.to_pylist()]
    return pa.array(distinct, _BINARY).take(encoded.indices)


def _float_entries(name: bytes, array: pa.Array) -> pa.Array:
    values = _as_floats(array)
    template = np.frombuffer(_map_entry(name, _float_feature(0.0)), np.uint8)
    rows = np.tile(template, (len(values), 1))
    rows[:, -4:] = values.view(np.uint8).reshape(-1, 4)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * len(template)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(rows.reshape(-1))]
    entries = pa.Array.from_buffers(_BINARY, len(values), buffers)
    if array.null_count == 0:
        return entries
    return pc.if_else(array.is_valid(), entries, pa.scalar(None, _BINARY))


def _map_entry(name: bytes, feature: bytes) -> bytes:
    entry = _head(1, len(name)) + name + _head(2, len(feature)) + feature
    return _head(1, len(entry)) + entry


def _no_values(kind: Kind) -> bytes:
    """CsvExampleGen's feature for a missing value."""
    fields = {Kind.BYTES: _BYTES_LIST, Kind.FLOAT: _FLOAT_LIST, Kind.INT: _INT64_LIST}
    return _head(fields[kind], 0) if kind in fields else b""


def _bytes_feature(value: bytes) -> bytes:
    return _list_feature(_BYTES_LIST, value)


def _int_feature(value: int) -> bytes:
    return _list_feature(_INT64_LIST, _varint(value & 0xFFFFFFFFFFFFFFFF))


def _float_feature(value: float) -> bytes:
    return _list_feature(_FLOAT_LIST, np.float32(value).tobytes())


def _list_feature(field: int, payload: bytes) -> bytes:
    values = _head(1, len(payload)) + payload
    return _head(field, len(values)) + values


def _head(field: int, length: int) -> bytes:
    return bytes((field << 3 | _LEN,)) + _varint(length)


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)
