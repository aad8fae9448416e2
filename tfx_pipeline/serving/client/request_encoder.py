"""Columns to the arrays of a request: values are checked, converted and filled in.

A missing number becomes NaN, a missing string becomes empty. An integer input cannot
be missing: the export declares integer columns that may be missing as floats, and booleans
that may be missing as int8. Dates are sent in ISO 8601. Lists are filled up to the same length.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client import example_encoder
from tfx_pipeline.serving.client.model_signature import LIST, Signature, Tensor
from tfx_pipeline.serving.client.table import Table, ensure_known_columns, is_missing
from tfx_pipeline.serving.protocol import tensors
from tfx_pipeline.serving.protocol.tensors import Array

_MAX_PROBLEMS = 20
_MAX_SHOWN_CHARACTERS = 60
_GREATEST_INT = 2**53
_INTEGER = re.compile(r"[+-]?\d+")

_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
_NO_BOOLEAN = -1
"""In an int8 input: the boolean is missing."""


def encode(table: Table, signature: Signature) -> dict[str, Array]:
    """Returns an array for each input, as long as the table.

    Rows become tf.Examples where the signature takes those. A table with a column of the
    input's name has serialized tf.Examples already.

    Raises:
      ConfigError: values are wrong, or no column is one of the model. The error lists row and
        column of the first 20 wrong values.
    """
    name, columns = signature.examples, signature.columns
    if name is None or (name in table.columns and name not in (columns or ())):
        return _encode(table, signature.inputs)
    if columns is None:
        return {name: example_encoder.from_values(table)}
    return {name: example_encoder.from_arrays(_encode(table, columns), table)}


def _encode(table: Table, columns: Mapping[str, Tensor]) -> dict[str, Array]:
    ensure_known_columns(table, [*columns])
    inputs: dict[str, Array] = {}
    problems: list[tuple[int, Problem]] = []
    for name, tensor in columns.items():
        values = table.columns.get(name)
        values = [None] * table.count if values is None else values
        try:
            inputs[name] = _convert(values, tensor, table.is_text)
        except (ValueError, TypeError, OverflowError):
            problems += _problems(name, values, tensor, table)
    if problems:
        problems.sort(key=lambda item: (item[0], item[1].where))
        raise ConfigError([problem for _, problem in problems[:_MAX_PROBLEMS]], table.source)
    return inputs


def _convert(values: Sequence[Any], tensor: Tensor, is_text: bool) -> Array:
    kind = tensors.numpy_type(tensor.dtype)
    array: Array
    if tensor.width == LIST:
        return _lists(values, dataclasses.replace(tensor, width=None), is_text)
    if tensor.dtype == tensors.STRING:
        array = np.empty(len(values), object)
        array[:] = [_text(value) for value in values]
    elif kind is np.bool_:
        array = np.array([_boolean(value) for value in values], kind)
    elif kind is np.int8:
        array = np.array([_optional_boolean(value) for value in values], kind)
    elif is_text:
        array = _numbers_from_text(values, kind)
    else:
        array = _numbers(values, kind)
    return array[:, np.newaxis] if tensor.width == 1 else array


def _text(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if is_missing(value):
        return b""
    if isinstance(value, (bool, np.bool_)):
        return b"true" if value else b"false"
    if isinstance(value, np.datetime64):
        return str(value).encode()
    if isinstance(value, Mapping) and [*value] == ["b64"]:  # bytes, as REST takes them
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, datetime.date):  # a datetime and pandas' Timestamp are dates
        return value.isoformat().encode()
    raise TypeError


def _boolean(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, float, np.number)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _BOOLEANS:
        return _BOOLEANS[value.strip().lower()]
    raise TypeError


def _optional_boolean(value: Any) -> int:
    missing = is_missing(value) or (isinstance(value, str) and not value.strip())
    return _NO_BOOLEAN if missing else int(_boolean(value))


def _lists(values: Sequence[Any], tensor: Tensor, is_text: bool) -> Array:
    """[rows, n]: rows are filled up with missing values to the length of the longest list."""
    rows = [_items(value) for value in values]
    width = max([1, *map(len, rows)])
    filled = [[*row, *[None] * (width - len(row))] for row in rows]
    flat = _convert([value for row in filled for value in row], tensor, is_text)
    return flat.reshape(len(rows), width)


def _items(value: Any) -> list[Any]:
    """The values of a list; a single value is a list of one."""
    return list(value) if isinstance(value, (list, tuple, set, np.ndarray)) else [value]


def _numbers_from_text(values: Sequence[str | None], kind: type[np.generic]) -> Array:
    """Converts the values of a CSV file; an empty one is missing."""
    texts = [(value or "").strip() or "nan" for value in values]
    if not issubclass(kind, np.integer):
        _ensure_exact([int(text) for text in texts if _INTEGER.fullmatch(text)], kind)
        return np.array(texts, str).astype(np.float64).astype(kind) if texts else np.empty(0, kind)
    try:
        return _integers([int(text) for text in texts], kind)
    except ValueError:
        return _integers([float(text) for text in texts], kind)  # pandas writes 5 as 5.0


def _numbers(values: Sequence[Any], kind: type[np.generic]) -> Array:
    is_float = not issubclass(kind, np.integer)  # bfloat16 is no np.floating
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        if values.dtype.kind in "iu":
            _ensure_exact(values, kind)
        return values.astype(kind) if is_float else _integers(values, kind)
    plain: list[Any] = []
    for value in values:
        if is_missing(value):
            plain.append(math.nan)
        elif isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            plain.append(value)
        else:
            raise TypeError
    _ensure_exact([value for value in plain if isinstance(value, (int, np.integer))], kind)
    return np.array(plain, kind) if is_float else _integers(plain, kind)


def _ensure_exact(integers: Sequence[Any] | Array, kind: type[np.generic]) -> None:
    """Refuses integers that a float64 would round: an integer column may be one.

    Raises:
      OverflowError: one is beyond 2^53.
    """
    if kind is np.float64 and len(integers) and max(map(abs, map(int, integers))) > _GREATEST_INT:
        raise OverflowError


def _integers(values: Sequence[Any] | Array, kind: type[np.generic]) -> Array:
    """Converts numbers to integers.

    Raises:
      ValueError, OverflowError: one is missing, has a fraction, or is out of range.
    """
    integers = [int(value) for value in values]
    if any(integer != value for integer, value in zip(integers, values)):
        raise ValueError
    return np.array(integers, kind)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or bool(_INTEGER.fullmatch(str(value).strip()))


def _problems(
    name: str, values: Sequence[Any], tensor: Tensor, table: Table
) -> Iterator[tuple[int, Problem]]:
    """Yields the row and the problem of each wrong value of a column."""
    rules = {"string": "text", "bool": "true or false", "int8": "true, false or missing"}
    rule = rules.get(tensor.type_name)
    is_integer = tensor.type_name.startswith(("int", "uint"))
    rule = rule or ("a whole number" if is_integer else "a number")
    for row, value in enumerate(values, table.first_row):
        try:
            _convert([value], tensor, table.is_text)
        except (ValueError, TypeError, OverflowError):
            where = f"row {row}, column {name}"
            if rule == "a number" and tensor.type_name == "double" and _is_integer(value):
                rule = "between -2^53 and 2^53: the model takes it as a float64"
            if is_missing(value) or value == "":
                yield row, Problem(where, "has no value, and the model needs one")
                continue
            found = repr(value)
            if len(found) > _MAX_SHOWN_CHARACTERS:
                found = found[:_MAX_SHOWN_CHARACTERS] + "..."
            yield row, Problem(where, f"must be {rule}, found {found}")
