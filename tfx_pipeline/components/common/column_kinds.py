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
    if pa.types.is_dictionary(arrow_type):
        return arrow_kind(arrow_type.value_type)
    if pa.types.is_null(arrow_type):
        return Kind.EMPTY
    if pa.types.is_integer(arrow_type) or pa.types.is_boolean(arrow_type):
        return Kind.INT
    if pa.types.is_floating(arrow_type) or pa.types.is_decimal(arrow_type):
        return Kind.FLOAT
    if pa.types.is_temporal(arrow_type):
        return Kind.INT
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)
    if any(check(arrow_type) for check in (*texts, pa.types.is_large_binary)):
        return Kind.BYTES
    return None
