"""The JSON of TensorFlow Serving's predict requests, to arrays.

A request's values are looked at one column at a time, not one by one; only where
something is wrong the offender is searched for.
"""

from __future__ import annotations

import itertools
import json
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from tfx_pipeline.errors import ServingError, did_you_mean
from tfx_pipeline.serving.local_server.json_arrays import array, debug_text, is_base64
from tfx_pipeline.serving.protocol.status_codes import invalid


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; NaN and Infinity are numbers.

    Raises:
      ServingError: it is none.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    document = _loads(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {debug_text(document)} Is not object")
    return document


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # perhaps only because of a NaN, which orjson does not know
    try:
        # As TensorFlow Serving, which stops reading where the document ends.
        return json.JSONDecoder().raw_decode(body.decode().lstrip())[0]
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding at offset: {error.start}") from error
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: nested too deeply") from error


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature a request names, or ''.

    Raises:
      ServingError: it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {debug_text(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def feeds(document: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays of a predict request, in row or column format.

    Args:
      document: the request.
      inputs: the signature's TensorInfos by name.

    Raises:
      ServingError: with TensorFlow Serving's texts.
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {debug_text(document)} Not formatted correctly expecting only "
            "one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        return _from_rows(document, document["instances"], inputs)
    if "inputs" in document:
        return _from_columns(document["inputs"], inputs)
    raise invalid("Missing 'inputs' or 'instances' key")


def is_row_format(document: Mapping[str, Any]) -> bool:
    return "instances" in document


def _from_rows(
    document: Mapping[str, Any], rows: Any, inputs: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    if not isinstance(rows, list):
        text = debug_text(document)
        raise invalid(f"JSON Value: {text} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {debug_text(document)} No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if not _is_named(rows[0]):
        _ensure_plain(rows)
        name, info = next(iter(inputs.items()))
        return {name: _column(name, rows, info.dtype)}
    names = sorted(inputs)
    _ensure_named(rows, names)
    # One input: itemgetter gives values, not tuples of one.
    columns = zip(*map(operator.itemgetter(*names), rows)) if len(names) > 1 else [
        map(operator.itemgetter(names[0]), rows)
    ]  # fmt: skip
    return {
        name: _column(name, list(values), inputs[name].dtype, named=True)
        for name, values in zip(names, columns)
    }


def _is_named(row: Any) -> bool:
    return isinstance(row, dict) and not is_base64(row)


def _ensure_plain(rows: list[Any]) -> None:
    if dict in set(map(type, rows)):
        for number, row in enumerate(rows):
            if _is_named(row):
                raise invalid(f"Expecting value/list but got object at item {number} of input list")


def _ensure_named(rows: list[Any], names: list[str]) -> None:
    wanted = set(names)
    if set(map(type, rows)) == {dict} and set(map(len, rows)) == {len(names)}:
        views = map(operator.methodcaller("keys"), rows)
        if all(map(operator.eq, views, itertools.repeat(wanted))):
            return
    for number, row in enumerate(rows):
        if not _is_named(row):
            raise invalid(f"Expecting object but got list at item {number} of input list")
        for name in row:
            if name not in wanted:
                raise invalid(
                    f"Failed to process element: {number} key: {name} of 'instances' list. "
                    "Error: INVALID_ARGUMENT: JSON object: does not have named input: "
                    f"{name} {did_you_mean(name, names)}".rstrip()
                )
        if len(row) != len(names):
            missing = ",".join(name for name in names if name not in row)
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON object: "
                f"{debug_text(row)} keys must be equal to: {','.join(names)} "
                f"(missing: {missing})"
            )


def _column(name: str, values: list[Any], dtype: int, named: bool = False) -> np.ndarray:
    try:
        return array(values, dtype)
    except ServingError as error:
        number = _first_offender(values, dtype)
        where = f"key: {name} of" if named else "of"
        raise invalid(
            f"Failed to process element: {number} {where} 'instances' list. "
            f"Error: INVALID_ARGUMENT: {error.message}"
        ) from error


def _first_offender(values: list[Any], dtype: int) -> int:
    shape = None
    for number, value in enumerate(values):
        try:
            found = array(value, dtype).shape
        except ServingError:
            return number
        if shape not in (None, found):
            return number
        shape = found
    return 0


def _from_columns(values: Any, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if not _is_named(values):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        name, info = next(iter(inputs.items()))
        return {name: array(values, info.dtype)}
    for name in inputs:
        if name not in values:
            unknown = [key for key in values if key not in inputs]
            hint = f" Unknown: {', '.join(unknown)}." if unknown else ""
            raise invalid(f"Missing named input: {name} in 'inputs' object.{hint}")
    return {name: _named_array(name, values[name], info.dtype) for name, info in inputs.items()}


def _named_array(name: str, value: Any, dtype: int) -> np.ndarray:
    try:
        return array(value, dtype)
    except ServingError as error:
        raise invalid(f"{error.message} (input {name})") from error
