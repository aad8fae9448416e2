"""A column's values as entries of tf.train.Features' map, in protobuf's wire format.

An entry is a prefix, which depends only on the column's name and the payload's length,
and a payload: the text, four bytes of a float, or an integer's varint. In a column with
few distinct values each value is encoded once; other columns are encoded in numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_pipeline.components.common.column_kinds import Kind

MISSING = -1

_LEN = 2  # protobuf's wire type of a field with a length
_FIELDS = {Kind.BYTES: 1, Kind.FLOAT: 2, Kind.INT: 3}  # tf.train.Feature's lists
_BINARY = pa.binary()
_NOTHING = pa.scalar(b"", _BINARY)
_SAMPLE = 512
_SHIFTS = np.arange(10, dtype=np.uint64) * np.uint64(7)
_VARINT_LIMITS = np.uint64(1) << _SHIFTS[1:]  # of 1 to 9 bytes


class Column(NamedTuple):
    """A column's map entries.

    Attributes:
      entries: binary, without nulls.
      indices: which entry each row has, MISSING where there is no value.
    """

    entries: pa.Array
    indices: np.ndarray


def encode(name: bytes, array: pa.Array, kind: Kind) -> Column:
    """Encodes the values of a column as map entries.

    Args:
      name: the column's name.
      array: strings or bytes, int64 or float64 by kind.
      kind: EMPTY when all values are missing.
    """
    if kind == Kind.EMPTY or array.null_count == len(array):
        return Column(pa.array([], _BINARY), np.full(len(array), MISSING))
    sample = array[:_SAMPLE]
    if kind != Kind.FLOAT and len(sample.unique()) <= len(sample) // 2:
        encoded = array.dictionary_encode()
        indices = encoded.indices.fill_null(MISSING).to_numpy()
        return Column(_entries(name, encoded.dictionary, kind), indices)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    indices = np.where(valid, np.cumsum(valid) - 1, MISSING)
    return Column(_entries(name, array.drop_null(), kind), indices)


def without_kind(name: bytes) -> bytes:
    """The entry of a missing value: a feature without a kind."""
    return _field(1, _field(1, name) + _field(2, b""))


def without_values(name: bytes, kind: Kind) -> bytes:
    """The entry of a missing value as TFX's CsvExampleGen writes it: a list without values."""
    if kind == Kind.EMPTY:
        return without_kind(name)
    return _field(1, _field(1, name) + _field(2, _field(_FIELDS[kind], b"")))


def heads(field: int, lengths: np.ndarray) -> Column:
    """The tag and length before each of several contents of one field.

    Args:
      field: the field's number.
      lengths: of the contents, in bytes.
    """
    return _by_length(partial(_head, field), pa.array(lengths))


def _by_length(make: Callable[[int], bytes], lengths: pa.Array) -> Column:
    """Calls `make` once for each distinct length."""
    encoded = lengths.dictionary_encode()
    made = [make(length) for length in encoded.dictionary.to_pylist()]
    return Column(pa.array(made, _BINARY), encoded.indices.to_numpy())


def _entries(name: bytes, values: pa.Array, kind: Kind) -> pa.Array:
    if kind == Kind.FLOAT:
        return _float_entries(name, values)
    payloads = _varints(values) if kind == Kind.INT else values.cast(_BINARY)
    prefixes = _by_length(partial(_prefix, name, kind), pc.binary_length(payloads))
    each = prefixes.entries.take(pa.array(prefixes.indices))
    return pc.binary_join_element_wise(each, payloads, _NOTHING)


def _varints(values: pa.Array) -> pa.Array:
    """Varints of int64; negative ones have ten bytes."""
    bits = values.to_numpy().view(np.uint64)
    sizes = np.searchsorted(_VARINT_LIMITS, bits, side="right") + 1
    position = np.arange(sizes.max())
    groups = (bits[:, None] >> _SHIFTS[position]).astype(np.uint8) & 0x7F
    groups[position < sizes[:, None] - 1] |= 0x80  # more bytes follow
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return _binary(offsets, groups[position < sizes[:, None]])


def _float_entries(name: bytes, values: pa.Array) -> pa.Array:
    """Entries of floats: all have the same prefix, so they are rows of one matrix."""
    payloads = as_floats(values)
    prefix = np.frombuffer(_prefix(name, Kind.FLOAT, 4), np.uint8)
    rows = np.empty((len(payloads), len(prefix) + 4), np.uint8)
    rows[:, :-4] = prefix
    rows[:, -4:] = payloads.view(np.uint8).reshape(-1, 4)
    return _binary(np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1], rows)


def as_floats(values: pa.Array) -> np.ndarray:
    """The values as float32, as in a tf.Example; infinite where a float64 is too large."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.to_numpy(zero_copy_only=False).astype("<f4")


def _binary(offsets: np.ndarray, data: np.ndarray) -> pa.Array:
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data.reshape(-1))]
    return pa.Array.from_buffers(_BINARY, len(offsets) - 1, buffers)


def _prefix(name: bytes, kind: Kind, length: int) -> bytes:
    """The bytes before a payload of `length` bytes."""
    prefix = b""
    for field in (1, _FIELDS[kind], 2):  # value, list, the entry's feature
        prefix = _head(field, len(prefix) + length) + prefix
    prefix = _field(1, name) + prefix
    return _head(1, len(prefix) + length) + prefix


def _field(field: int, content: bytes) -> bytes:
    """A field with its tag and length."""
    return _head(field, len(content)) + content


def _head(field: int, length: int) -> bytes:
    """The tag of a field with a length, and the length as a varint."""
    result = bytearray([field << 3 | _LEN])
    while length >= 0x80:
        result.append(length & 0x7F | 0x80)
        length >>= 7
    result.append(length)
    return bytes(result)
