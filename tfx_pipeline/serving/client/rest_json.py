"""Arrays to the JSON values of a REST request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.serving.protocol.tensors import Array, to_lists


def columns(inputs: Mapping[str, Array]) -> dict[str, list[Any]]:
    """Returns the value of `inputs` in a request: a list for each input."""
    return {name: _values(array) for name, array in inputs.items()}


def rows(inputs: Mapping[str, Array]) -> list[dict[str, Any]]:
    """Returns the value of `instances` in a request: an object for each row."""
    lists = columns(inputs)
    return [dict(zip(lists, values)) for values in zip(*lists.values())]


def _values(array: Array) -> list[Any]:
    if array.dtype == object:
        texts = np.empty(array.size, object)
        texts[:] = [_text(value) for value in array.ravel()]
        array = texts.reshape(array.shape)
    return to_lists(array)


def _text(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}
