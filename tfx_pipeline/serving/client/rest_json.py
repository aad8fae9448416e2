"""Arrays to the JSON that a REST request holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np


def columns(feeds: Mapping[str, np.ndarray]) -> dict[str, list[Any]]:
    """`inputs` of a request: a list for each input."""
    return {name: _values(array) for name, array in feeds.items()}


def rows(feeds: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """`instances` of a request: an object for each row."""
    lists = columns(feeds)
    return [dict(zip(lists, values)) for values in zip(*lists.values())]


def _values(array: np.ndarray) -> list[Any]:
    if array.dtype == object:
        texts = np.empty(array.size, object)
        texts[:] = [_text(value) for value in array.ravel()]
        return texts.reshape(array.shape).tolist()
    if array.dtype == np.float32:
        # The digits of the float32, not those of the double next to it.
        doubles = [float(str(value)) for value in array.ravel()]
        return np.array(doubles, np.float64).reshape(array.shape).tolist()
    return array.tolist()


def _text(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
