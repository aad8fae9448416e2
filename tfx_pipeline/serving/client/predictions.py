"""What a model answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Outputs for rows, in their order.

    Attributes:
      outputs: arrays by name, one row each; strings as str.
      versions: which version answered each row; 0 where the server does not say.
      labels: which label each row went to; '' where none was asked for.
      seconds: how long the server took for each row's request.
    """

    outputs: Mapping[str, np.ndarray]
    versions: np.ndarray
    labels: np.ndarray
    seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.versions)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.outputs[name]

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each row, ready for JSON."""
        columns = {name: _plain(array) for name, array in self.outputs.items()}
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def flat_rows(self) -> list[dict[str, Any]]:
        """One dict for each row with single values, for CSV.

        `probabilities` becomes one column for each class, `probability_<class>`.
        """
        return [_flat(row) for row in self.rows()]


def _plain(array: np.ndarray) -> list[Any]:
    """Python values; float32 in its own digits, not in those of the double nearest to it."""
    if array.dtype == np.float32:
        array = np.array([float(str(value)) for value in array.ravel()]).reshape(array.shape)
    return array.tolist()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    classes = row.get("classes")
    result: dict[str, Any] = {}
    for name, value in row.items():
        if not isinstance(value, list):
            result[name] = value
        elif name != "classes":
            ends = classes if classes and len(classes) == len(value) else range(len(value))
            stem = "probability" if name == "probabilities" else name
            result.update({f"{stem}_{end}": item for end, item in zip(ends, value)})
    return result


def decoded(array: np.ndarray) -> np.ndarray:
    """Strings as str; other arrays as they are."""
    if array.dtype != object:
        return array
    texts = np.empty(array.size, object)
    texts[:] = [v.decode("utf-8", "replace") if type(v) is bytes else v for v in array.ravel()]
    return texts.reshape(array.shape)


@dataclasses.dataclass(frozen=True)
class Part:
    """The answer to one request, for some of the rows.

    Attributes:
      numbers: which rows.
    """

    numbers: Sequence[int]
    outputs: Mapping[str, np.ndarray]
    version: int
    label: str
    seconds: float


def merge(parts: Sequence[Part], count: int, outputs: Sequence[str]) -> Predictions:
    """The answers in the order of the rows."""
    order = np.argsort([number for part in parts for number in part.numbers], kind="stable")
    sizes = [len(part.numbers) for part in parts]

    def spread(values: Sequence[Any], dtype: Any) -> np.ndarray:
        return np.repeat(np.array(values, dtype), sizes)[order] if parts else np.empty(0, dtype)

    return Predictions(
        {n: _joined([p.outputs[n] for p in parts])[order] for n in outputs} if count else {},
        spread([part.version for part in parts], np.int64),
        spread([part.label for part in parts], object),
        spread([part.seconds for part in parts], np.float64),
    )


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    return decoded(np.concatenate(arrays))
