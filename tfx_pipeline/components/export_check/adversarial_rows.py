"""The rows that are sent to a model: real ones, and unusual ones that clients may send."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_pipeline.config import image_format
from tfx_pipeline.config.image_format import GREY

_UNUSUAL_VALUES: dict[int, dict[str, bytes | int | float]] = {
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
_UNUSUAL_IMAGES: dict[str, bytes | int | float] = {"of one pixel": GREY, "empty": b""}
"""Other bytes are no image, and a model may refuse them."""

_FIELDS = {
    schema_pb2.BYTES: "bytes_list",
    schema_pb2.INT: "int64_list",
    schema_pb2.FLOAT: "float_list",
}


@dataclasses.dataclass(frozen=True)
class Row:
    """A raw row to send to a model.

    Attributes:
      name: what is unusual about it, for messages.
      example: the row without its label, as a client sends it.
      real: whether the row is from the data.
      label: the label alone, for signatures that need it; None for a row without one.
    """

    name: str
    example: tf.train.Example
    real: bool = False
    label: tf.train.Example | None = None


def real_rows(records: Sequence[bytes], label: str) -> list[Row]:
    """Rows of the data without their label.

    Args:
      records: serialized tf.Examples.
      label: the label's column.
    """
    rows = []
    for number, record in enumerate(records, 1):
        example = tf.train.Example.FromString(record)
        alone = None
        if label in example.features.feature:
            alone = tf.train.Example()
            alone.features.feature[label].CopyFrom(example.features.feature.pop(label))
        rows.append(Row(f"row {number} of the data", example, real=True, label=alone))
    return rows


def columns_of(rows: Sequence[Row]) -> dict[str, int]:
    """The schema's type for each column that has a value in one of the rows."""
    kinds = {field: kind for kind, field in _FIELDS.items()}
    found = {
        name: kinds[field]
        for row in rows
        for name, feature in row.example.features.feature.items()
        if (field := feature.WhichOneof("kind")) and getattr(feature, field).value
    }
    return dict(sorted(found.items()))


def adversarial_rows(real: Row, columns: Mapping[str, int]) -> list[Row]:
    """Variations of a real row.

    Args:
      real: the row.
      columns: the schema's types by column, without the label.
    """
    normal, label = real.example, real.label
    rows = [Row("no column at all", tf.train.Example(), label=label)]
    for name, kind in columns.items():
        missing = _changed(normal, columns, {name: None})
        rows.append(Row(f"{name} missing", missing, label=label))
        for description, value in _unusual(normal, name, kind).items():
            changed = _changed(normal, columns, {name: value})
            rows.append(Row(f"{name} {description}", changed, label=label))
    for description, position in (("first", 0), ("last", -1)):
        values = {
            name: list(unusual.values())[position]
            for name, kind in columns.items()
            if (unusual := _unusual(normal, name, kind))
        }
        changed = _changed(normal, columns, values)
        name = f"every column with its {description} unusual value"
        rows.append(Row(name, changed, label=label))
    return rows


def _unusual(normal: tf.train.Example, name: str, kind: int) -> Mapping[str, bytes | int | float]:
    """The unusual values of a column, by their descriptions."""
    values = normal.features.feature[name].bytes_list.value if kind == schema_pb2.BYTES else ()
    if values and image_format.is_image(values[0]):
        return _UNUSUAL_IMAGES
    return _UNUSUAL_VALUES.get(kind, {})


def _changed(
    normal: tf.train.Example,
    columns: Mapping[str, int],
    values: Mapping[str, bytes | int | float | None],
) -> tf.train.Example:
    """A copy of the row with other values; None removes a value."""
    example = tf.train.Example()
    example.CopyFrom(normal)
    for name, value in values.items():
        example.features.feature.pop(name, None)
        if value is not None:
            getattr(example.features.feature[name], _FIELDS[columns[name]]).value.append(value)
    return example
