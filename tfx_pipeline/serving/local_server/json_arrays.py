"""JSON values to arrays, by TensorFlow Serving's rules.

Values are looked at by the list, not one by one; only where something is wrong
the offender is searched for.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import sys
from typing import Any

import numpy as np

from tfx_pipeline.errors import ServingError
from tfx_pipeline.serving.protocol import tensors
from tfx_pipeline.serving.protocol.status_codes import invalid

_JSON_KINDS = {
    type(None): "Null", bool: "Boolean", dict: "Object", list: "Array", str: "String",
    int: "Number", float: "Number",
}  # fmt: skip

_LONGEST_DEBUG_TEXT = 256

_GREATEST_FLOAT = int(sys.float_info.max)


def is_base64(value: Any) -> bool:
    """Whether it is bytes: `{"b64": "..."}`."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def array(value: Any, dtype: int) -> np.ndarray:
    """A JSON value as an array of a DataType; nested lists are its dimensions.

    Raises:
      ServingError: the lists are ragged, or a value has another type.
    """
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        shape.append(len(level[0]))
        _ensure_even(level, shape)
        level = list(itertools.chain.from_iterable(level))
    if list in set(map(type, level)):
        raise invalid(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
    return _values(level, dtype).reshape(shape)


def _ensure_even(level: list[Any], shape: list[int]) -> None:
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


def _values(level: list[Any], dtype: int) -> np.ndarray:
    kind = tensors.numpy_type(dtype)
    if dtype == tensors.STRING:
        return _strings(level)
    allowed = {bool} if kind is np.bool_ else {int}
    if issubclass(kind, np.floating):
        allowed = {int, float}
    if not set(map(type, level)) <= allowed:
        raise _type_error(next(v for v in level if type(v) not in allowed), dtype)
    _ensure_range(level, kind, dtype)
    return np.array(level, kind)


def _ensure_range(level: list[Any], kind: Any, dtype: int) -> None:
    if not level or kind is np.bool_:
        return
    if issubclass(kind, np.floating):
        least, greatest = -_GREATEST_FLOAT, _GREATEST_FLOAT
        level = [value for value in level if type(value) is int]
    else:
        least, greatest = np.iinfo(kind).min, np.iinfo(kind).max
    for value in (min(level, default=0), max(level, default=0)):
        if not least <= value <= greatest:
            raise _type_error(value, dtype)


def _strings(level: list[Any]) -> np.ndarray:
    result = np.empty(len(level), object)
    result[:] = [v.encode("utf-8", "surrogatepass") if type(v) is str else _bytes(v) for v in level]
    return result


def _bytes(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise _type_error(value, tensors.STRING)
    if not is_base64(value):
        raise invalid(f"JSON Value: {debug_text(value)} not formatted correctly for base64 data")
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid(
        f"JSON Value: {debug_text(value)} Type: {kind_of(value)} "
        f"is not of expected type: {tensors.type_name(dtype)}"
    )


def kind_of(value: Any) -> str:
    """JSON's name of a value's type."""
    return _JSON_KINDS[type(value)]


def debug_text(value: Any) -> str:
    """The value for an error message, cut short before it costs anything."""
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        text += part
        if len(text) >= _LONGEST_DEBUG_TEXT:
            break
    return text[:_LONGEST_DEBUG_TEXT]
