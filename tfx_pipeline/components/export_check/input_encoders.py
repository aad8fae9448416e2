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
    """One input for each raw column: NaN, the empty string and, of an int8, -1 are missing values.

    An int8 is a boolean that may be missing.

    Attributes:
      dtypes: the inputs' types by column.
      ranks: the inputs' ranks by column; 1 for [batch], 2 for [batch, 1].
      lists: the columns that take several values in a row, [batch, n].
    """

    dtypes: dict[str, tf.DType]
    ranks: dict[str, int]
    lists: frozenset[str] = frozenset()

    def feed(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """A batch of rows, by input name."""
        return {name: self._column(name, rows) for name in self.dtypes}

    def _column(self, name: str, rows: Sequence[Row]) -> np.ndarray:
        dtype = self.dtypes[name]
        missing = _missing(dtype)
        if name in self.lists:
            lists = [_values(row.example, name) for row in rows]
            width = max([1, *map(len, lists)])
            filled = [[*values, *[missing] * (width - len(values))] for values in lists]
            return np.array(filled, dtype.as_numpy_dtype)
        values = [_value(row.example, name) for row in rows]
        column = np.array(
            [missing if value is None else value for value in values], dtype.as_numpy_dtype
        )
        return column[:, np.newaxis] if self.ranks[name] == 2 else column

    def representable(self, row: Row) -> Row:
        """The row as columns can express it, to compare both kinds of inputs.

        NaN and "" mean a missing value.

        Raises:
          NotRepresentable: an integer or a boolean column has no value, a number is too large
            for a float, or a boolean is not 0 or 1.
        """
        example = tf.train.Example()
        example.CopyFrom(row.example)
        for name, dtype in self.dtypes.items():
            for value in _values(example, name) or [None]:
                _ensure_representable(name, value, dtype)
            value = _value(example, name)
            is_nan = value != value
            if name not in self.lists and (value is None or value == b"" or is_nan):
                example.features.feature.pop(name, None)
        return dataclasses.replace(row, example=example)


def _missing(dtype: tf.DType) -> Any:
    """What stands for a missing value."""
    if dtype == tf.string:
        return b""
    if dtype == tf.int8:
        return -1
    return np.nan if dtype.is_floating else 0


def _ensure_representable(name: str, value: Any, dtype: tf.DType) -> None:
    is_boolean = dtype in (tf.bool, tf.int8)
    if value is None:
        if dtype == tf.bool or (dtype.is_integer and dtype != tf.int8):
            raise NotRepresentable(name)
        return
    is_inexact = isinstance(value, int) and dtype.is_floating and not _is_exact(value, dtype)
    if is_inexact or (is_boolean and value not in (0, 1)):
        raise NotRepresentable(name)


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
        several = frozenset(n for n, i in inputs.items() if _takes_several(i.tensor_shape))
        return ColumnsInput(dtypes, ranks, several)
    if len(inputs) == 1:
        name, info = next(iter(inputs.items()))
        if info.dtype == tf.string.as_datatype_enum and len(info.tensor_shape.dim) <= 1:
            return ExamplesInput(name)
    return None


def _takes_several(shape: Any) -> bool:
    return len(shape.dim) == 2 and shape.dim[1].size != 1


def _values(example: tf.train.Example, name: str) -> list[Any]:
    """The values of a column."""
    feature = example.features.feature
    kind = feature[name].WhichOneof("kind") if name in feature else None
    return list(getattr(feature[name], kind).value) if kind else []


def _value(example: tf.train.Example, name: str) -> Any:
    """The first value of a column; None if there is none."""
    return next(iter(_values(example, name)), None)
