"""Arrays to the JSON of TensorFlow Serving's REST API."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import orjson

from tfx_pipeline.serving.local_server.json_tensor import JSON_TYPES
from tfx_pipeline.serving.protocol import tensors
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import Array

_BYTES_SUFFIX = "_bytes"
"""The strings of outputs whose names end so are bytes, and are sent in base64."""


def row_format(outputs: Mapping[str, Array]) -> dict[str, Any]:
    """Returns `predictions`: one item for each row, an object if there are several outputs.

    Raises:
      ServingError: the outputs do not have the same batch size, or TensorFlow Serving
        does not write tensors of such a type.
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
    columns = [_json_values(name, outputs[name]) for name in names]
    if len(names) == 1:
        return {"predictions": list(columns[0])}
    return {"predictions": [dict(zip(names, values)) for values in zip(*columns)]}


def column_format(outputs: Mapping[str, Array]) -> dict[str, Any]:
    """Returns `outputs`: whole tensors, by name if there are several.

    Raises:
      ServingError: TensorFlow Serving does not write tensors of such a type.
    """
    values = {name: _json_values(name, outputs[name]) for name in sorted(outputs)}
    return {"outputs": values if len(values) > 1 else next(iter(values.values()))}


def _json_values(name: str, array: Array) -> Any:
    """Returns values for `dumps`. Numbers stay in arrays: a float32 has fewer digits."""
    if tensors.data_type(array) not in JSON_TYPES:
        name = tensors.array_type_name(array)
        raise invalid(f"Failed to write JSON value for tensor type: {name}")
    if array.dtype != object:
        return np.ascontiguousarray(array) if array.ndim else array[()]
    texts = np.empty(array.size, object)
    if name.endswith(_BYTES_SUFFIX):
        texts[:] = [{"b64": base64.b64encode(value).decode()} for value in array.ravel()]
    else:
        texts[:] = [value.decode("utf-8", "replace") for value in array.ravel()]
    return texts.reshape(array.shape).tolist()


def dumps(document: Any, outputs: Iterable[Array] = ()) -> bytes:
    """Returns a document as JSON.

    Args:
      document: what to write; it may contain arrays.
      outputs: the arrays in it. If one contains NaN or Infinity, they are written as in
        JavaScript, which orjson cannot do.
    """
    if all(array.dtype == object or np.isfinite(array).all() for array in outputs):
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(document, default=_python_value).encode()


def _python_value(value: Any) -> Any:
    """Returns a NumPy value as json takes it, a float32 with its own, shorter digits."""
    if isinstance(value, np.floating):
        return float(str(value))
    if isinstance(value, np.ndarray):
        return [_python_value(item) for item in value]
    return value.item()
