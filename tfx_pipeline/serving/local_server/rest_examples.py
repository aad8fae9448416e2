"""Classify and regress requests in JSON to tf.Examples, and their results to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.serving.local_server.json_tensor import (
    debug_text,
    is_base64,
    json_type,
    to_array,
)
from tfx_pipeline.serving.local_server.rest_request import signature_name
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import STRING, Array

_FIELDS = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
_TYPE_NAMES = {"bytes_list": "bytes", "int64_list": "int64", "float_list": "float"}


def fill_request(request: Any, document: Mapping[str, Any]) -> None:
    """Fills a ClassificationRequest or RegressionRequest from a JSON document.

    Raises:
      ServingError: the document is not valid; with TensorFlow Serving's message.
    """
    request.model_spec.signature_name = signature_name(document)
    examples = document.get("examples")
    if examples is None:
        raise invalid(
            f"JSON Value: {debug_text(document)} When method is classify, key 'examples' "
            "is expected and was not found"
        )
    if not isinstance(examples, list):
        text = debug_text(document)
        raise invalid(f"JSON Value: {text} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"JSON Value: {debug_text(document)} 'examples' value is an empty array")
    target = request.input.example_list
    if "context" in document:
        target = request.input.example_list_with_context
        _fill_example(target.context, document["context"])
    for example in examples:
        _fill_example(target.examples.add(), example)


def _fill_example(example: Any, values: Any) -> None:
    if not isinstance(values, dict):
        raise invalid(f"Example must be JSON object but got JSON {json_type(values)}")
    for name, value in values.items():
        feature = example.features.feature[name]
        for item in value if isinstance(value, list) else [value]:
            _append(feature, name, item)


def _append(feature: Any, name: str, value: Any) -> None:
    converted: bytes | int | float
    if isinstance(value, bool):
        converted = int(value)
    elif isinstance(value, (int, float)):
        converted = value
    elif isinstance(value, str) or is_base64(value):
        converted = to_array(value, STRING).item()
    else:
        raise invalid(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")
    field, used = _FIELDS[type(converted)], feature.WhichOneof("kind")
    if used not in (None, field):
        expected = _TYPE_NAMES[used]
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    try:
        getattr(feature, field).value.append(converted)
    except ValueError as error:
        message = f"Feature: {name} has uint64_t element. Only int64_t is supported."
        raise invalid(message) from error


def classes(response: Any) -> list[list[Any]]:
    """Returns the results of a ClassificationResponse: a row's pairs of label and score."""
    return [
        [[item.label, np.float32(item.score)] for item in row.classes]
        for row in response.result.classifications
    ]


def values(response: Any) -> list[Any]:
    """Returns the results of a RegressionResponse: one number for each row."""
    return [np.float32(item.value) for item in response.result.regressions]


def scores(results: list[Any]) -> list[Array]:
    """Returns all numbers in the results of `classes` or `values`, as `dumps` needs them."""
    rows = [[score for _, score in row] if isinstance(row, list) else row for row in results]
    return [np.array(rows, np.float32)]
