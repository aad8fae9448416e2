"""The JSON of classify and regress requests, to tf.Examples; their results, to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx_pipeline.serving.local_server.json_arrays import array, debug_text, is_base64, kind_of
from tfx_pipeline.serving.local_server.rest_tensors import signature_name
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import STRING

_LISTS = {bytes: "bytes_list", int: "int64_list", float: "float_list"}


def fill_request(request: Any, document: Mapping[str, Any]) -> None:
    """Fills a ClassificationRequest or RegressionRequest from a JSON document.

    Raises:
      ServingError: with TensorFlow Serving's texts.
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
        raise invalid(f"Example must be JSON object but got JSON {kind_of(values)}")
    for name, value in values.items():
        feature = example.features.feature[name]
        for item in value if isinstance(value, list) else [value]:
            _add(feature, name, item)


def _add(feature: Any, name: str, value: Any) -> None:
    converted = _converted(name, value)
    wanted = _LISTS[type(converted)]
    kind = feature.WhichOneof("kind")
    if kind not in (None, wanted):
        expected = {"bytes_list": "bytes", "int64_list": "int64", "float_list": "float"}[kind]
        raise invalid(f"Unexpected element type in feature: {name} expecting type: {expected}")
    try:
        getattr(feature, wanted).value.append(converted)
    except ValueError as error:
        message = f"Feature: {name} has uint64_t element. Only int64_t is supported."
        raise invalid(message) from error


def _converted(name: str, value: Any) -> bytes | int | float:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) or is_base64(value):
        return array(value, STRING).item()
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {kind_of(value)}")


def classes(response: Any) -> list[list[Any]]:
    """The result of a ClassificationResponse: for each row, label and score of each class."""
    return [
        [[item.label, np.float32(item.score)] for item in row.classes]
        for row in response.result.classifications
    ]


def values(response: Any) -> list[Any]:
    """The result of a RegressionResponse: one number for each row."""
    return [np.float32(item.value) for item in response.result.regressions]


def scores(results: list[Any]) -> list[np.ndarray]:
    """All numbers of the results of `classes` or `values`."""
    rows = [[score for _, score in row] if isinstance(row, list) else row for row in results]
    return [np.array(rows, np.float32)]
