"""Which rows belong to which slice of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.components.evaluator.feature_reader import RawColumn

SliceKey = tuple[tuple[str, Any], ...]


def by_slice(
    rows: np.ndarray, slices: Sequence[Sequence[str]], columns: Mapping[str, RawColumn]
) -> dict[SliceKey, np.ndarray]:
    """All rows together, and those of each combination of values of each slice's columns.

    Args:
      rows: numbers of the rows that count.
      slices: lists of columns; a row with several values of one is in several slices.
      columns: by name.
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
        own_texts, own_codes = _coded_texts(columns[name])
        at, positions = _crossed(rows, columns[name])
        texts.append(own_texts)
        rows, codes = rows[at], np.column_stack([codes[at], own_codes[positions]])
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
    """As `RawColumn.coded`, of what is shown to people; different bytes may look the same."""
    distinct, codes = column.coded()
    numbers: dict[Any, int] = {}
    known = [numbers.setdefault(text(value), len(numbers)) for value in distinct]
    return list(numbers), np.array(known, np.int64)[codes]


def _crossed(rows: np.ndarray, column: RawColumn) -> tuple[np.ndarray, np.ndarray]:
    """For each value of each of `rows`: which of `rows` it is, and where the value is."""
    counts = np.diff(column.splits)[rows]
    at = np.repeat(np.arange(len(rows)), counts)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    return at, column.splits[rows[at]] + nth


def text(value: Any) -> Any:
    """Bytes as text; other values as they are."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
