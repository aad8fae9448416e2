"""The predictions of a model for rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.serving.protocol.tensors import Array, to_lists


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Outputs for rows, in the order of the rows.

    Attributes:
      outputs: arrays by name, with one entry for each row; strings are str.
      versions: the version that answered each row; 0 if the server did not report it.
      labels: the label that each row was sent to; '' if none was requested.
      seconds: the duration of the request that each row was part of.
    """

    outputs: Mapping[str, Array]
    versions: Array
    labels: Array
    seconds: Array

    def __len__(self) -> int:
        return len(self.versions)

    def __getitem__(self, name: str) -> Array:
        return self.outputs[name]

    def rows(self) -> list[dict[str, Any]]:
        """Returns one dict for each row, ready for JSON."""
        columns = {name: to_lists(array) for name, array in self.outputs.items()}
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def flat_rows(self) -> list[dict[str, Any]]:
        """Returns one dict for each row without nested lists, for CSV.

        `probabilities` becomes one column for each class, `probability_<class>`.
        """
        return [_flat(row) for row in self.rows()]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    classes = row.get("classes")
    result: dict[str, Any] = {}
    for name, value in row.items():
        if not isinstance(value, list):
            result[name] = value
        elif name != "classes":
            suffixes = classes if classes and len(classes) == len(value) else range(len(value))
            prefix = "probability" if name == "probabilities" else name
            result.update({f"{prefix}_{suffix}": item for suffix, item in zip(suffixes, value)})
    return result


@dataclasses.dataclass(frozen=True)
class ChunkPredictions:
    """The reply to one request, for some of the rows.

    Attributes:
      row_numbers: which rows.
      outputs: arrays by name.
      version, label, seconds: as in `Predictions`, the same for all rows of the chunk.
    """

    row_numbers: Sequence[int]
    outputs: Mapping[str, Array]
    version: int
    label: str
    seconds: float


def merge(chunks: Sequence[ChunkPredictions], outputs: Sequence[str]) -> Predictions:
    """Returns the predictions of all chunks in the order of the rows.

    Args:
      chunks: the replies, in any order.
      outputs: names of the outputs to keep.
    """
    if not chunks:
        return Predictions({}, np.empty(0, np.int64), np.empty(0, object), np.empty(0))
    numbers = [number for chunk in chunks for number in chunk.row_numbers]
    order = np.argsort(numbers, kind="stable")
    sizes = [len(chunk.row_numbers) for chunk in chunks]

    def by_row(values: Sequence[Any], dtype: Any) -> Array:
        return np.repeat(np.array(values, dtype), sizes)[order]

    return Predictions(
        {
            name: _decoded(np.concatenate([chunk.outputs[name] for chunk in chunks]))[order]
            for name in outputs
        },
        by_row([chunk.version for chunk in chunks], np.int64),
        by_row([chunk.label for chunk in chunks], object),
        by_row([chunk.seconds for chunk in chunks], np.float64),
    )


def _decoded(array: Array) -> Array:
    """Returns byte strings as str; arrays of other types are returned unchanged."""
    if array.dtype != object:
        return array
    texts = np.empty(array.size, object)
    texts[:] = [v.decode("utf-8", "replace") if type(v) is bytes else v for v in array.ravel()]
    return texts.reshape(array.shape)
