"""TensorFlow Model Analysis' batches of columns as rows, column by column."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Rows = list[dict[str, Any]]


class _Unusual(Exception):
    """There are values that only TensorFlow Model Analysis' own function splits."""


def by_columns(split: Callable[..., Rows]) -> Callable[..., Rows]:
    """Splits arrays all at once, where `split` looks at the type of each value.

    Other values, and other options than the default ones, are left to `split`.
    """
    from tensorflow_model_analysis.api.types import VarLenTensorValue

    def values_of(column: Any) -> list[Any]:
        if type(column) is VarLenTensorValue:
            return _dense_rows(column)
        if type(column) is not np.ndarray or not column.ndim:
            raise _Unusual
        return list(column[:, np.newaxis] if column.ndim == 1 else column)

    def rows_of(tree: Mapping[str, Any]) -> Rows:
        columns = {
            key: rows_of(value) if isinstance(value, Mapping) else values_of(value)
            for key, value in tree.items()
        }
        if len({len(values) for values in columns.values()}) != 1:  # also if there are none
            raise _Unusual
        return [dict(zip(columns, values)) for values in zip(*columns.values())]

    def split_by_columns(
        extracts: Any, keep_batch_dim: bool = False, expand_zero_dims: bool = True
    ) -> Rows:
        if not keep_batch_dim and expand_zero_dims:
            try:
                return rows_of(extracts)
            except _Unusual:
                pass
        return split(extracts, keep_batch_dim, expand_zero_dims)

    return split_by_columns


def _dense_rows(column: Any) -> list[np.ndarray]:
    """The values of each row of a VarLenTensorValue, whose indices are in the order of rows."""
    if not column.indices.size:
        raise _Unusual
    bounds = np.searchsorted(column.indices[:, 0], np.arange(column.dense_shape[0] + 1))
    return [
        column.values[start:end] if start < end else np.array([])
        for start, end in itertools.pairwise(bounds)
    ]
