"""Finds the rows of each slice of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.components.evaluator.feature_reader import RawColumn

SliceKey = tuple[tuple[str, Any], ...]


def by_slice(
    rows: np.ndarray, slices: Sequence[Sequence[str]], columns: Mapping[str, RawColumn]
) -> dict[SliceKey, np.ndarray]:
    """The rows of each slice: all rows, and those of each combination of values.

    Args:
      rows: indices of the rows to evaluate.
      slices: lists of columns; each combination of their values is a slice. A row with
        several values in a column is in several slices.
      columns: the values, by column.

    Returns:
      Indices of rows by slice; the key of all rows is ().
    """
    result: dict[SliceKey, np.ndarray] = {(): rows} if len(rows) else {}
    for names in slices:
        result.update(_of_columns(rows, names, columns))
    return result


def _of_columns(
    rows: np.ndarray, names: Sequence[str], columns: Mapping[str, RawColumn]
) -> dict[SliceKey, np.ndarray]:
    texts, codes = [], np.zeros([len(rows), 0], np.int64)
    for name in names:
        column_texts, column_codes = _coded_texts(columns[name])
        repeated, positions = _crossed(rows, columns[name])
        texts.append(column_texts)
        rows = rows[repeated]
        codes = np.column_stack([codes[repeated], column_codes[positions]])
    if not len(rows):
        return {}
    combinations, which = np.unique(codes, axis=0, return_inverse=True)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(combinations)))
    groups = np.split(rows[order], ends[:-1])
    return {
        tuple((name, of[code]) for name, of, code in zip(names, texts, combination, strict=True)): g
        for combination, g in zip(combinations, groups, strict=True)
    }


def _coded_texts(column: RawColumn) -> tuple[list[Any], np.ndarray]:
    """As `RawColumn.coded`, for values as text: different bytes may have the same text."""
    distinct, codes = column.coded()
    numbers: dict[Any, int] = {}
    known = [numbers.setdefault(text(value), len(numbers)) for value in distinct]
    return list(numbers), np.array(known, np.int64)[codes]


def _crossed(rows: np.ndarray, column: RawColumn) -> tuple[np.ndarray, np.ndarray]:
    """For each value of each of `rows`: the index in `rows`, and that in `column.values`."""
    counts = np.diff(column.splits)[rows]
    repeated = np.repeat(np.arange(len(rows)), counts)
    nth = np.arange(len(repeated)) - np.repeat(np.cumsum(counts) - counts, counts)
    return repeated, column.splits[rows[repeated]] + nth


def text(value: Any) -> Any:
    """Bytes as text; other values as they are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
