"""How a row is put into a signature: as a serialized example, or as columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfx_pipeline.components.export_check.adversarial_rows import Row

# Beyond it, a float that was an integer does not turn back into the same one.
_GREATEST_INT = 2**62


class Unfit(Exception):
    """A row that a signature's inputs cannot say."""


@dataclasses.dataclass(frozen=True)
class ExamplesInput:
    """One input of serialized tf.Examples."""

    name: str

    def feed(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """Values by input name."""
        return {self.name: np.array([_serialized(row.example) for row in rows], dtype=object)}

    def representable(self, row: Row) -> Row:
        """The row as this input can say it: as it is."""
        return row


@dataclasses.dataclass(frozen=True)
class ColumnsInput:
    """One input for each raw column: NaN and the empty string are missing values.

    Attributes:
      dtypes: by column.
      ranks: 1 for [batch], 2 for [batch, 1].
    """

    dtypes: dict[str, tf.DType]
    ranks: dict[str, int]

    def feed(self, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """Values by input name."""
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
        """The row as columns can say it, so that both ways of asking can be compared.

        A float has fewer digits than an integer; NaN and "" stand for missing.

        Raises:
          Unfit: a missing value in an integer column, or a number beyond a float's reach.
        """
        example = tf.train.Example()
        example.CopyFrom(row.example)
        for name, dtype in self.dtypes.items():
            value = _value(example, name)
            if value is None and dtype.is_integer:
                raise Unfit(name)
            if value is None or value in (b"",) or value != value:
                example.features.feature.pop(name, None)
            elif isinstance(value, int) and dtype.is_floating:
                _round(example, name, value)
        return dataclasses.replace(row, example=example)


def _round(example: tf.train.Example, name: str, value: int) -> None:
    if abs(value) > _GREATEST_INT:
        raise Unfit(name)
    example.features.feature[name].int64_list.value[0] = int(np.float32(value))


def input_of(
    definition: meta_graph_pb2.SignatureDef, columns: Collection[str]
) -> ExamplesInput | ColumnsInput | None:
    """How to feed a signature; None when its inputs are something else."""
    inputs = definition.inputs
    if inputs and all(name in columns for name in inputs):
        dtypes = {name: tf.dtypes.as_dtype(info.dtype) for name, info in inputs.items()}
        ranks = {name: len(info.tensor_shape.dim) for name, info in inputs.items()}
        return ColumnsInput(dtypes, ranks)
    if len(inputs) == 1:
        name, info = next(iter(inputs.items()))
        if info.dtype == tf.string.as_datatype_enum and len(info.tensor_shape.dim) <= 1:
            return ExamplesInput(name)
    return None


def _value(example: tf.train.Example, name: str) -> Any:
    feature = example.features.feature
    kind = feature[name].WhichOneof("kind") if name in feature else None
    values = getattr(feature[name], kind).value if kind else ()
    return values[0] if values else None


def _serialized(example: tf.train.Example) -> bytes:
    return example.SerializeToString(deterministic=True)
