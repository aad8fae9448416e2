"""Rows to serialized tf.Examples, for signatures that take those.

A model with the signature `columns` reports its columns there, so their types are known:
a float64 is an integer that may be missing. For other models the values' own types count,
as in TensorFlow Serving's REST calls of Classify: 1 is an integer, 1.0 a float.
A missing value is left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client.table import Table, is_missing
from tfx_pipeline.serving.protocol import protos
from tfx_pipeline.serving.protocol.tensors import Array

_FIELDS = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
_GREATEST_INT = 2**53
_INT64 = range(-(2**63), 2**63)


def from_arrays(columns: Mapping[str, Array], table: Table) -> Array:
    """Returns serialized tf.Examples [rows] from arrays as the signature `columns` takes them.

    Args:
      columns: arrays [rows], [rows, 1] or, of lists, [rows, n] by column; NaN, b"" and, of an
        int8, -1 are missing values.
      table: the rows they come from, for error messages.

    Raises:
      ConfigError: an integer has a fraction, or is beyond 2^53.
    """
    features = {}
    for name, array in columns.items():
        values = array.ravel()
        width = array.shape[1] if array.ndim == 2 else 1
        is_missing_row = values == b"" if values.dtype == object else values != values
        if values.dtype == np.int8:
            is_missing_row = values < 0
        if values.dtype in (np.bool_, np.int8):
            values = values.astype(np.int64)
        if values.dtype == np.float64:
            values = _integers(name, values, is_missing_row, table, width)
        present = [
            () if absent else (value,)
            for value, absent in zip(values.tolist(), is_missing_row.tolist())
        ]
        features[name] = [
            tuple(itertools.chain(*present[start : start + width]))
            for start in range(0, len(present), width)
        ]
    return _serialized(features, table.count)


def from_values(table: Table) -> Array:
    """Returns serialized tf.Examples [rows] whose features have the types of the values.

    A list gives a feature several values. A column of integers and floats is one of floats.

    Raises:
      ConfigError: the table is text, which has no types; or a value has another type.
    """
    if table.is_text:
        message = "the model takes tf.Examples and does not report the types of its columns"
        remedy = 'Give the rows as JSON Lines, in which 1 is an integer, 1.0 a float and "1" a text'
        raise ConfigError(Problem("", message, remedy), table.source)
    features = {name: _typed(name, values, table) for name, values in table.columns.items()}
    return _serialized(features, table.count)


def _integers(name: str, values: Array, is_missing_row: Array, table: Table, width: int) -> Array:
    known = np.where(is_missing_row, 0, values)
    wrong = np.flatnonzero((known != np.trunc(known)) | (np.abs(known) > _GREATEST_INT))
    if len(wrong):
        where = f"row {table.first_row + int(wrong[0]) // width}, column {name}"
        rule = "must be a whole number between -2^53 and 2^53"
        raise ConfigError(Problem(where, f"{rule}, found {values[wrong[0]]:g}"), table.source)
    return known.astype(np.int64)


def _typed(name: str, values: Sequence[Any], table: Table) -> list[Sequence[Any]]:
    rows: list[Sequence[Any]] = []
    for number, value in enumerate(values, table.first_row):
        items = value if isinstance(value, (list, tuple, np.ndarray)) else [value]
        try:
            rows.append([_plain(item) for item in items if not is_missing(item)])
        except TypeError as error:
            where = f"row {number}, column {name}"
            message = f"must be a number of 64 bits, a text or a list of these, found {value!r:.60}"
            raise ConfigError(Problem(where, message), table.source) from error
    kinds = {type(item) for row in rows for item in row}
    if kinds == {int, float}:
        return [[*map(float, row)] for row in rows]
    if len(kinds) > 1:
        found = " and ".join(sorted({"bytes": "text"}.get(k.__name__, k.__name__) for k in kinds))
        message = f"must have values of one type, found {found}"
        raise ConfigError(Problem(f"column {name}", message), table.source)
    return rows


def _plain(value: Any) -> bytes | int | float:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if isinstance(value, int) and value in _INT64:  # a bool is an int
        return int(value)
    if isinstance(value, (bytes, float)):
        return value
    raise TypeError


def _serialized(features: Mapping[str, Sequence[Sequence[Any]]], count: int) -> Array:
    records = np.empty(count, object)
    for row in range(count):
        example = protos.message("tensorflow.Example")()
        for name, values in features.items():
            if values[row]:
                feature = example.features.feature[name]
                getattr(feature, _FIELDS[type(values[row][0])]).value.extend(values[row])
        records[row] = example.SerializeToString(deterministic=True)
    return records
