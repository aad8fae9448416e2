"""Columns to the arrays that a signature takes: checked, converted, missing ones filled.

A missing number is NaN, a missing string is empty; an integer input cannot be
missing (the export takes integer columns that may be as floats).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client import rows
from tfx_pipeline.serving.client.model_signature import Signature, Tensor
from tfx_pipeline.serving.client.rows import Table
from tfx_pipeline.serving.protocol import tensors

_MOST_PROBLEMS = 20
_LONGEST_TEXT = 60


def feed(table: Table, signature: Signature) -> dict[str, np.ndarray]:
    """An array for each input, as long as the table.

    Raises:
      ConfigError: with every column of every row that is wrong, up to a number.
    """
    rows.ensure_known(table, [*signature.inputs])
    feeds, problems = {}, []
    for name, tensor in signature.inputs.items():
        values = table.columns.get(name)
        values = [None] * table.count if values is None else values
        try:
            feeds[name] = _converted(values, tensor, table.is_text)
        except (ValueError, TypeError, OverflowError):
            problems += _problems(name, values, tensor, table)
    if problems:
        problems.sort(key=lambda problem: (_row(problem), problem.where))
        raise ConfigError(problems[:_MOST_PROBLEMS], table.source)
    return feeds


def _row(problem: Problem) -> int:
    return int(problem.where.split()[1].rstrip(","))


def _converted(values: Sequence[Any], tensor: Tensor, is_text: bool) -> np.ndarray:
    kind = tensors.numpy_type(tensor.dtype)
    if tensor.dtype == tensors.STRING:
        array = np.empty(len(values), object)
        array[:] = [_text(value) for value in values]
    elif kind is np.bool_:
        array = np.array([_boolean(value) for value in values], kind)
    elif is_text:
        array = _parsed(values, kind)
    else:
        array = _numbers(values, kind)
    return array[:, np.newaxis] if tensor.width == 1 else array


def _text(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if _is_missing(value):
        return b""
    raise TypeError


def _is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _boolean(value: Any) -> bool:
    texts = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str) and value.lower() in texts:
        return texts[value.lower()]
    raise TypeError


def _parsed(values: Sequence[str | None], kind: Any) -> np.ndarray:
    """Numbers of a CSV file; an empty one is missing."""
    texts = [(value or "").strip() or "nan" for value in values]
    if issubclass(kind, np.floating):
        return np.array(texts, str).astype(np.float64).astype(kind) if texts else np.empty(0, kind)
    try:
        return _whole([int(text) for text in texts], kind)
    except ValueError:
        return _whole([float(text) for text in texts], kind)  # 5.0, as pandas writes integers


def _numbers(values: Sequence[Any], kind: Any) -> np.ndarray:
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        as_float = issubclass(kind, np.floating)
        return values.astype(kind) if as_float else _whole(values, kind)
    plain = [math.nan if _is_missing(value) else _number(value) for value in values]
    return np.array(plain, kind) if issubclass(kind, np.floating) else _whole(plain, kind)


def _number(value: Any) -> int | float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.number)):
        raise TypeError
    return value


def _whole(values: Sequence[Any] | np.ndarray, kind: Any) -> np.ndarray:
    """Integers, refused where one is missing, broken or out of range."""
    whole = [int(value) for value in values]
    if any(value != original for value, original in zip(whole, values)):
        raise ValueError
    return np.array(whole, kind)


def _problems(name: str, values: Sequence[Any], tensor: Tensor, table: Table) -> Iterator[Problem]:
    """Says of each value what is wrong with it."""
    rule = {"string": "text", "bool": "true or false"}.get(tensor.type_name)
    rule = rule or ("a number" if tensor.type_name in ("float", "double") else "a whole number")
    for number, value in enumerate(values):
        try:
            _converted([value], tensor, table.is_text)
        except (ValueError, TypeError, OverflowError):
            where = f"row {table.first_row + number}, column {name}"
            if _is_missing(value) or value == "":
                yield Problem(where, "has no value, and the model needs one")
            else:
                found = repr(value)
                found = found if len(found) <= _LONGEST_TEXT else found[:_LONGEST_TEXT] + "..."
                yield Problem(where, f"must be {rule}, found {found}")
