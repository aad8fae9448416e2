"""Arrays to the JSON of TensorFlow Serving's REST API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import orjson

from tfx_pipeline.serving.protocol.status_codes import invalid

_BYTES_SUFFIX = "_bytes"
"""Strings of outputs whose names end so are bytes, and go out in base64."""


def row_format(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """`predictions`: one item for each row; objects where there are several outputs.

    Raises:
      ServingError: the outputs are not of one batch.
    """
    sizes = {name: array.shape[:1] for name, array in outputs.items()}
    for name, size in sizes.items():
        if not size:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size != next(iter(sizes.values())):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {size[0]} "
                f"expecting: {next(iter(sizes.values()))[0]}"
            )
    names = sorted(outputs)
    columns = [_values(name, outputs[name]) for name in names]
    if len(names) == 1:
        return {"predictions": list(columns[0])}
    return {"predictions": [dict(zip(names, values)) for values in zip(*columns)]}


def column_format(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """`outputs`: whole tensors; by name where there are several."""
    values = {name: _values(name, outputs[name]) for name in sorted(outputs)}
    return {"outputs": values if len(values) > 1 else next(iter(values.values()))}


def _values(name: str, array: np.ndarray) -> Any:
    """Rows that can be written as JSON; float32 stays so, for its shortest digits."""
    return _strings(name, array) if array.dtype == object else np.ascontiguousarray(array)


def _strings(name: str, array: np.ndarray) -> Any:
    as_bytes = name.endswith(_BYTES_SUFFIX)
    texts = np.empty(array.size, object)
    texts[:] = [_base64(value) if as_bytes else _text(value) for value in array.ravel()]
    return texts.reshape(array.shape).tolist()


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def dumps(document: Any, outputs: Iterable[np.ndarray] = ()) -> bytes:
    """JSON, with NaN and Infinity where an output holds them."""
    if all(array.dtype == object or np.isfinite(array).all() for array in outputs):
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(document, default=_plain).encode()


def _plain(value: Any) -> Any:
    """What the standard encoder does not know; numbers in the digits of their own type."""
    if isinstance(value, np.floating):
        return float(str(value))
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    return value.item()
