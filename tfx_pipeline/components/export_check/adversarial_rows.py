"""Rows that no training set holds, and every server gets one day."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

_ODD_VALUES = {
    schema_pb2.BYTES: {
        "unseen": b"\xe2\x98\x83 never seen before",
        "empty": b"",
        "not UTF-8": b"\xff\xfe\xfa",
        "very long": b"x" * 100_000,
    },
    schema_pb2.INT: {
        "largest": 2**63 - 1,
        "smallest": -(2**63),
        "negative": -1,
        "unseen": 123_456_789,
    },
    schema_pb2.FLOAT: {
        "huge": 1e30,
        "hugely negative": -1e30,
        "NaN": float("nan"),
        "infinite": float("inf"),
        "negative infinite": float("-inf"),
    },
}
_FIELDS = {
    schema_pb2.BYTES: "bytes_list",
    schema_pb2.INT: "int64_list",
    schema_pb2.FLOAT: "float_list",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A raw row to ask a model about.

    Attributes:
      name: what is odd about it, for messages.
      example: without label, as a client sends it.
      real: whether it was in the data as it is.
    """

    name: str
    example: tf.train.Example
    real: bool = False


def real_rows(records: Sequence[bytes], label: str) -> list[Row]:
    """Rows from the data without their label."""
    rows = []
    for number, record in enumerate(records, 1):
        example = tf.train.Example.FromString(record)
        example.features.feature.pop(label, None)
        rows.append(Row(f"row {number} of the data", example, real=True))
    return rows


def adversarial_rows(normal: tf.train.Example, columns: Mapping[str, int]) -> list[Row]:
    """Variations of a normal row.

    Args:
      normal: a real row without its label.
      columns: the schema's types by column, without the label.
    """
    rows = [Row("no column at all", tf.train.Example())]
    for name, kind in columns.items():
        rows.append(Row(f"{name} missing", _without(normal, name)))
        for oddity, value in _ODD_VALUES.get(kind, {}).items():
            rows.append(Row(f"{name} {oddity}", _with(normal, {name: (kind, value)})))
    rows += [Row(f"every column {name}", _with(normal, values)) for name, values in _all(columns)]
    return rows


def _all(columns: Mapping[str, int]) -> Iterator[tuple[str, dict[str, tuple[int, object]]]]:
    """The first and the last oddity in every column at once."""
    for name, position in (("odd", 0), ("odder", -1)):
        yield (
            name,
            {
                column: (kind, list(_ODD_VALUES[kind].values())[position])
                for column, kind in columns.items()
                if kind in _ODD_VALUES
            },
        )


def _without(normal: tf.train.Example, name: str) -> tf.train.Example:
    example = _copy(normal)
    example.features.feature.pop(name, None)
    return example


def _with(normal: tf.train.Example, values: Mapping[str, tuple[int, object]]) -> tf.train.Example:
    example = _copy(normal)
    for name, (kind, value) in values.items():
        example.features.feature[name].Clear()
        getattr(example.features.feature[name], _FIELDS[kind]).value.append(value)
    return example


def _copy(example: tf.train.Example) -> tf.train.Example:
    result = tf.train.Example()
    result.CopyFrom(example)
    return result
