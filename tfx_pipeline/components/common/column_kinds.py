"""The kinds of columns that a tf.Example can hold."""

from __future__ import annotations

import enum

import pyarrow as pa


class Kind(enum.IntEnum):
    """The type of a column; a greater one can hold the values of a smaller one."""

    EMPTY = 0
    INT = 1
    FLOAT = 2
    BYTES = 3


def arrow_kind(arrow_type: pa.DataType) -> Kind | None:
    """The kind that holds values of an Arrow type; None when there is none."""
    types = pa.types
    if types.is_dictionary(arrow_type):
        return arrow_kind(arrow_type.value_type)
    if types.is_null(arrow_type):
        return Kind.EMPTY
    if types.is_integer(arrow_type) or types.is_boolean(arrow_type):
        return Kind.INT
    if types.is_floating(arrow_type) or types.is_decimal(arrow_type):
        return Kind.FLOAT
    if types.is_temporal(arrow_type):
        return Kind.INT
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return Kind.BYTES if any(is_text(arrow_type) for is_text in texts) else None
