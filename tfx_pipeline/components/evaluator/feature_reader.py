"""A few columns of serialized tf.Examples, for many rows at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

_DTYPES = {"bytes_list": tf.string, "int64_list": tf.int64, "float_list": tf.float32}


@dataclasses.dataclass(frozen=True)
class RawColumn:
    """The values of a column, row after row.

    Attributes:
      values: of all rows.
      splits: [rows + 1]; a row's values are `values[splits[row]:splits[row + 1]]`.
    """

    values: np.ndarray
    splits: np.ndarray

    def coded(self) -> tuple[list[Any], np.ndarray]:
        """The distinct values as Python knows them, and the number of each value among them."""
        distinct, codes = np.unique(self.values, return_inverse=True)
        return distinct.tolist(), codes

    def first(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows that have a value, and where in `values` each one's first value is."""
        rows = np.flatnonzero(np.diff(self.splits))
        return rows, self.splits[rows]


class Reader:
    """Reads columns whose type the data itself says.

    Args:
      names: of the columns.
    """

    def __init__(self, names: Collection[str]):
        self._names = set(names)
        self._dtypes: dict[str, tf.DType] = {}

    def read(self, records: Sequence[bytes]) -> dict[str, RawColumn]:
        """The columns of serialized examples; one that no row has is there without values."""
        self._learn(records)
        spec = {
            name: tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)
            for name, dtype in self._dtypes.items()
        }
        # TensorFlow skips what is not asked for: tenfold the speed of parsing whole examples.
        parsed = tf.io.parse_example(tf.constant(records, tf.string), spec) if spec else {}
        found = {n: RawColumn(c.values.numpy(), c.row_splits.numpy()) for n, c in parsed.items()}
        nothing = RawColumn(np.zeros(0), np.zeros(len(records) + 1, np.int64))
        return {name: found.get(name, nothing) for name in self._names}

    def _learn(self, records: Sequence[bytes]) -> None:
        """Looks for the types that are not known yet."""
        for record in records:
            unknown = self._names - self._dtypes.keys()
            if not unknown:
                return
            features = tf.train.Example.FromString(record).features.feature
            for name in unknown & set(features):
                kind = features[name].WhichOneof("kind")
                if kind:
                    self._dtypes[name] = _DTYPES[kind]
