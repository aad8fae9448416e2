"""JSON values to arrays, by TensorFlow Serving's rules and with its messages.

Whole lists are checked at once, which is fast. Only if a check fails is the wrong value
searched for.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
import sys
from typing import Any

import numpy as np

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol import tensors
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import Array

_JSON_TYPES = {
    type(None): "Null", bool: "Boolean", dict: "Object", list: "Array", str: "String",
    int: "Number", float: "Number",
}  # fmt: skip

_MAX_DEBUG_CHARACTERS = 256

JSON_TYPES = (1, 2, 3, 4, 5, 6, tensors.STRING, 9, 10, 22, 23)
"""The DataTypes that TensorFlow Serving converts from and to JSON."""

_MAX_DIMENSIONS = 32
"""NumPy's limit."""

_WHITE_SPACE = re.compile(r"[ \t\n\v\f\r]+")

_MAX_FLOAT = int(sys.float_info.max)


def is_base64(value: Any) -> bool:
    """Whether a JSON value stands for bytes: `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def to_array(value: Any, dtype: int) -> Array:
    """Returns a JSON value as an array; nested lists are its dimensions.

    Args:
      value: any JSON value.
      dtype: the number of the DataType.

    Raises:
      ServingError: lists of one level differ in length, or a value has another type.
    """
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        shape.append(len(level[0]))
        _ensure_equal_lengths(level, shape)
        level = list(itertools.chain.from_iterable(level))
    if list in set(map(type, level)):
        raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
    if len(shape) > _MAX_DIMENSIONS:
        raise invalid(f"Tensors with more than {_MAX_DIMENSIONS} dimensions are not supported")
    if dtype != tensors.STRING:
        return _numbers(level, dtype).reshape(shape)
    texts = np.empty(len(level), object)
    texts[:] = [
        item.encode("utf-8", "surrogatepass") if type(item) is str else _bytes(item)
        for item in level
    ]
    return texts.reshape(shape)


def _ensure_equal_lengths(level: list[Any], shape: list[int]) -> None:
    depth = len(shape) - 1
    for item in level if set(map(type, level)) != {list} else ():
        if not isinstance(item, list):
            raise invalid(
                f"JSON Value: {debug_text(item)} found at incorrect level: {depth + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
    sizes = set(map(len, level))
    if len(sizes) > 1:
        size = next(iter(sizes - {shape[-1]}))
        raise invalid(
            f"Encountered list at unexpected size: {size} at level: {depth} "
            f"expected size: {shape[-1]}"
        )


def _numbers(level: list[Any], dtype: int) -> Array:
    if dtype not in JSON_TYPES:
        value = debug_text(level[0]) if level else "[]"
        raise ServingError(
            "UNIMPLEMENTED",
            f"Conversion of JSON Value: {value} to type: {tensors.type_name(dtype)}",
        )
    kind = tensors.numpy_type(dtype)
    allowed: set[type] = {bool} if kind is np.bool_ else {int}
    if issubclass(kind, np.floating):
        allowed = {int, float}
    if not set(map(type, level)) <= allowed:
        raise _type_error(next(v for v in level if type(v) not in allowed), dtype)
    _ensure_range(level, kind, dtype)
    with np.errstate(over="ignore"):  # 1e300 as float is infinity, without a warning
        return np.array(level, kind)


def _ensure_range(level: list[Any], kind: type[np.generic], dtype: int) -> None:
    if issubclass(kind, np.integer):
        lower, upper = np.iinfo(kind).min, np.iinfo(kind).max
    elif issubclass(kind, np.floating):
        lower, upper = -_MAX_FLOAT, _MAX_FLOAT
        level = [value for value in level if type(value) is int]
    else:
        return
    for value in (min(level, default=0), max(level, default=0)):
        if not lower <= value <= upper:
            raise _type_error(value, dtype)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise _type_error(value, tensors.STRING)
    if not is_base64(value):
        raise invalid(f"JSON Value: {debug_text(value)} not formatted correctly for base64 data")
    # As TensorFlow Serving: white space is ignored, padding may be absent or dots.
    text = _WHITE_SPACE.sub("", value["b64"])
    digits = text.rstrip("=.")
    padding = "=" * (-len(digits) % 4)
    if len(text) not in (len(digits), len(digits) + len(padding)):
        raise invalid("Unable to base64 decode")
    try:
        return base64.b64decode(digits + padding, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid(
        f"JSON Value: {debug_text(value)} Type: {json_type(value)} "
        f"is not of expected type: {tensors.type_name(dtype)}"
    )


def json_type(value: Any) -> str:
    """Returns JSON's name of a value's type."""
    return _JSON_TYPES[type(value)]


def debug_text(value: Any) -> str:
    """Returns the beginning of a value as JSON, without writing all of a large value."""
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        text += part
        if len(text) >= _MAX_DEBUG_CHARACTERS:
            break
    return text[:_MAX_DEBUG_CHARACTERS]
