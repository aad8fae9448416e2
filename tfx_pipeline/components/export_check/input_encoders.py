"""Encodes rows as the inputs of a signature: serialized examples, or columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfx_pipeline.components.export_check.adversarial_rows import Row

# A float64 holds no integer beyond it exactly.
_GREATEST_INT = 2**53

_COLUMNS = "columns"
_EXAMPLES = {"examples", "inputs"}
"""The names that inputs of serialized tf.Examples have."""


class NotRepresentable(Exception):
    """A row that the inputs of a signature cannot express."""


@dataclasses.dataclass(frozen=True)
class ExamplesInput:
    """One input of serialized tf.Examples.

    Attributes:
      name: the input's name.
      with_label: whether the examples have their label.
    """

    name: str
    with_label: bool = False

    def feed(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """A batch of rows, by input name."""
        records = [self._example(row).SerializeToString(deterministic=True) for row in rows]
        return {self.name: np.array(records, dtype=object)}

    def _example(self, row: Row) -> tf.train.Example:
        if not self.with_label or row.label is None:
            return row.example
        example = tf.train.Example()
        example.CopyFrom(row.example)
        example.MergeFrom(row.label)
        return example

    def representable(self, row: Row) -> Row:
        """The row as this input can express it: unchanged."""
        return row


@dataclasses.dataclass(frozen=True)
class ColumnsInput:
    """One input for each raw column: NaN and the empty string are missing values.

    Attributes:
      dtypes: the inputs' types by column.
      ranks: the inputs' ranks by column; 1 for [batch], 2 for [batch, 1].
    """

    dtypes: dict[str, tf.DType]
    ranks: dict[str, int]

    def feed(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """A batch of rows, by input name."""
        return {name: self._column(name, rows) for name in self.dtypes}

    def _column(self, name: str, rows: Sequence[Row]) -> np.ndarray:
        dtype = self.dtypes[name]
        missing: Any = b"" if dtype == tf.string else (np.nan if dtype.is_floating else 0)
        values = [_value(row.example, name) for row in rows]
        column = np.array(
            [missing if value is None else value for value in values], dtype.as_numpy_dtype
        )
        return column[:, np.newaxis] if self.ranks[name] == 2 else column

    def representable(self, row: Row) -> Row:
        """The row as columns can express it, to compare both kinds of inputs.

        NaN and "" mean a missing value.

        Raises:
          NotRepresentable: an integer column has no value, or a number is too large for
            a float.
        """
        example = tf.train.Example()
        example.CopyFrom(row.example)
        for name, dtype in self.dtypes.items():
            value = _value(example, name)
            if value is None and dtype.is_integer:
                raise NotRepresentable(name)
            is_nan = value != value
            if value is None or value == b"" or is_nan:
                example.features.feature.pop(name, None)
            elif isinstance(value, int) and dtype.is_floating and not _is_exact(value, dtype):
                raise NotRepresentable(name)
        return dataclasses.replace(row, example=example)


def _is_exact(value: int, dtype: tf.DType) -> bool:
    """Whether a float of that type holds the integer."""
    return abs(value) <= _GREATEST_INT and int(dtype.as_numpy_dtype(value)) == value


def input_of(
    signature: str, definition: meta_graph_pb2.SignatureDef, columns: Collection[str]
) -> ExamplesInput | ColumnsInput | None:
    """The encoder for a signature; None if its inputs are not raw rows.

    Args:
      signature: its name.
      definition: its inputs.
      columns: the names of the raw columns.
    """
    inputs = definition.inputs
    # A column can have the name of an input for examples.
    of_examples = len(inputs) == 1 and set(inputs) <= _EXAMPLES and signature != _COLUMNS
    if inputs and all(name in columns for name in inputs) and not of_examples:
        dtypes = {name: tf.dtypes.as_dtype(info.dtype) for name, info in inputs.items()}
        ranks = {name: len(info.tensor_shape.dim) for name, info in inputs.items()}
        return ColumnsInput(dtypes, ranks)
    if len(inputs) == 1:
        name, info = next(iter(inputs.items()))
        if info.dtype == tf.string.as_datatype_enum and len(info.tensor_shape.dim) <= 1:
            return ExamplesInput(name)
    return None


def _value(example: tf.train.Example, name: str) -> Any:
    """The first value of a column; None if there is none."""
    feature = example.features.feature
    kind = feature[name].WhichOneof("kind") if name in feature else None
    values = getattr(feature[name], kind).value if kind else ()
    return values[0] if values else None
