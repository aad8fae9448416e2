"""Predict requests in JSON to arrays, by TensorFlow Serving's rules and with its messages.

Whole columns are checked at once, which is fast. Only if a check fails is the wrong
value searched for.
"""

from __future__ import annotations

import codecs
import itertools
import json
import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from tfx_pipeline.errors import ServingError, did_you_mean
from tfx_pipeline.serving.local_server.json_tensor import debug_text, is_base64, to_array
from tfx_pipeline.serving.protocol import tensors
from tfx_pipeline.serving.protocol.status_codes import invalid
from tfx_pipeline.serving.protocol.tensors import Array

_INF = re.compile(rb'"(?:[^"\\]|\\.)*"|Inf(?:inity)?', re.DOTALL)
"""A string, or a number that TensorFlow Serving accepts; Python accepts only Infinity."""

_LARGE_NUMBER = re.compile(rb"[eE]\+?[0-9]{3}|(?<![0-9])[0-9]{300}")
"""What may be a number too large for a double. Python would read it as infinity."""

_MAX_DIGITS = 309
"""The digits of the largest double, as an integer."""

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
"""What may be half of a character beyond 16 bits. Python accepts it also without the other half."""


def parse(body: bytes) -> dict[str, Any]:
    """Returns the JSON object in a body; NaN, Inf and Infinity are numbers.

    Raises:
      ServingError: the body is not a JSON object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    document = _loads(body)
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {debug_text(document)} Is not object")
    return document


def _loads(body: bytes) -> Any:
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # perhaps only because of a NaN, which orjson does not accept
    if b"Inf" in body:
        body = _INF.sub(lambda match: b"Infinity" if match[0] == b"Inf" else match[0], body)
    decoder = json.JSONDecoder()
    if _LARGE_NUMBER.search(body):
        decoder = json.JSONDecoder(parse_float=_finite_float, parse_int=_finite_int)
    try:
        # Like TensorFlow Serving, ignore what comes after the end of the document.
        document = decoder.raw_decode(body.decode().lstrip())[0]
        if _HALF_CHARACTER.search(body):
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeEncodeError as error:
        raise invalid("JSON Parse error: The surrogate pair in string is invalid.") from error
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding at offset: {error.start}") from error
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: nested too deeply") from error


def _finite_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _too_big(text)
    return number


def _finite_int(text: str) -> int:
    # The number of digits first: Python refuses to convert thousands of them.
    if len(text.lstrip("-")) > _MAX_DIGITS or math.isinf(float(text)):
        raise _too_big(text)
    return int(text)


def _too_big(text: str) -> ServingError:
    return invalid(f"JSON Parse error: Number too big to be stored in double: {text[:50]}")


def signature_name(document: Mapping[str, Any]) -> str:
    """Returns the signature that a request names, or ''.

    Raises:
      ServingError: the name is not a string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"JSON Value: {debug_text(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def is_row_format(document: Mapping[str, Any]) -> bool:
    """Whether a request has the row format, `instances`, rather than `inputs`."""
    return "instances" in document


def inputs(document: Mapping[str, Any], infos: Mapping[str, Any]) -> dict[str, Array]:
    """Returns the arrays of a request in row or column format, by input.

    Args:
      document: the request.
      infos: the TensorInfos of the signature's inputs, by name.

    Raises:
      ServingError: the request does not fit the signature.
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            f"JSON Value: {debug_text(document)} Not formatted correctly expecting only "
            "one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        return _from_rows(document, document["instances"], infos)
    if "inputs" in document:
        return _from_columns(document["inputs"], infos)
    raise invalid("Missing 'inputs' or 'instances' key")


def _from_rows(
    document: Mapping[str, Any], rows: Any, infos: Mapping[str, Any]
) -> dict[str, Array]:
    if not isinstance(rows, list):
        text = debug_text(document)
        raise invalid(f"JSON Value: {text} Expecting 'instances' to be an list/array")
    if not rows:
        raise invalid(f"JSON Value: {debug_text(document)} No values in 'instances' array")
    if not isinstance(rows[0], dict) and len(infos) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple "
            "input tensors required as per tensorinfo_map"
        )
    if not _has_names(rows[0]):
        for number, row in enumerate(rows if dict in set(map(type, rows)) else ()):
            if _has_names(row):
                raise invalid(f"Expecting value/list but got object at item {number} of input list")
        name, info = next(iter(infos.items()))
        return {name: _column(name, rows, info.dtype, has_names=False)}
    names = sorted(infos)
    _ensure_same_names(rows, names)
    columns: Iterable[Sequence[Any]]
    if len(names) == 1:
        columns = [[row[names[0]] for row in rows]]
    else:
        columns = zip(*map(operator.itemgetter(*names), rows))
    return {
        name: _column(name, list(values), infos[name].dtype, has_names=True)
        for name, values in zip(names, columns)
    }


def _has_names(value: Any) -> bool:
    """Whether a value is an object with a key for each input, not bytes in base64."""
    return isinstance(value, dict) and not is_base64(value)


def _ensure_same_names(rows: list[Any], names: list[str]) -> None:
    wanted = set(names)
    if set(map(type, rows)) == {dict} and set(map(len, rows)) == {len(names)}:
        keys = map(operator.methodcaller("keys"), rows)
        if all(map(operator.eq, keys, itertools.repeat(wanted))):
            return
    for number, row in enumerate(rows):
        if not _has_names(row):
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


def _column(name: str, values: list[Any], dtype: int, *, has_names: bool) -> Array:
    try:
        return to_array(values, dtype)
    except ServingError as error:
        number, reason = _first_wrong_element(values, dtype) or (0, error)
        where = f"key: {name} of" if has_names else "of"
        raise invalid(
            f"Failed to process element: {number} {where} 'instances' list. Error: {reason}"
        ) from error


def _first_wrong_element(values: list[Any], dtype: int) -> tuple[int, ServingError] | None:
    """Returns the number of the first value with a wrong type or another shape, and its error."""
    first = None
    for number, value in enumerate(values):
        try:
            found = to_array(value, dtype)
        except ServingError as error:
            return number, error
        first = found if first is None else first
        if found.size != first.size:
            return number, invalid(f"Expecting tensor size: {first.size} but got: {found.size}")
        if found.shape != first.shape:
            shapes = f"{tensors.shape_text(first)} but got: {tensors.shape_text(found)}"
            return number, invalid(f"Expecting shape {shapes}")
    return None


def _from_columns(values: Any, infos: Mapping[str, Any]) -> dict[str, Array]:
    if not _has_names(values):
        if len(infos) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        name, info = next(iter(infos.items()))
        return {name: to_array(values, info.dtype)}
    for name in infos:
        if name not in values:
            unknown = [key for key in values if key not in infos]
            hint = f" Unknown: {', '.join(unknown)}." if unknown else ""
            raise invalid(f"Missing named input: {name} in 'inputs' object.{hint}")
    arrays = {}
    for name, info in infos.items():
        try:
            arrays[name] = to_array(values[name], info.dtype)
        except ServingError as error:
            raise ServingError(error.code, f"{error.message} (input {name})") from error
    return arrays
