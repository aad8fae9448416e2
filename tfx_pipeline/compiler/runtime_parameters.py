"""Runtime parameters as TFX's compiler does not treat them rightly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.ir import pipeline_ir

if TYPE_CHECKING:
    from tfx.orchestration.data_types import RuntimeParameter
    from tfx.orchestration.pipeline import Pipeline
    from tfx.proto.orchestration import pipeline_pb2

_CLASS = "RuntimeParameter"
_REMEDY = (
    "TFX gives values to whole parameters only. Use a RuntimeParameter of type str that is the "
    "whole value, as JSON text, or one of the component's other parameters"
)


def check(pipeline: Pipeline) -> None:
    """Checks a pipeline's runtime parameters before it is compiled.

    Raises:
      ConfigError: one is inside a dict or a list, where nothing would replace it; or two of one
        name have different types or defaults.
    """
    problems: list[errors.Problem] = []
    seen: dict[str, tuple[RuntimeParameter, str]] = {}
    for where, value in _parameters(pipeline):
        for name in _inside(value):
            message = f"has the RuntimeParameter {name!r} inside a dict or list"
            problems.append(errors.Problem(where, message, _REMEDY))
        if _is_parameter(value):
            first, user = seen.setdefault(value.name, (value, where))
            if (first.ptype, first.default) != (value.ptype, value.default):
                message = f"has another type or default than RuntimeParameter {value.name!r}"
                remedy = "Use one RuntimeParameter for both, or give one another name"
                problems.append(errors.Problem(where, f"{message} of {user}", remedy))
    if problems:
        raise errors.ConfigError(problems, f"pipeline {pipeline.pipeline_name!r}")


def set_defaults(message: pipeline_pb2.Pipeline, pipeline: Pipeline) -> None:
    """Sets the defaults 0, 0.0 and "" in a compiled pipeline: TFX's compiler loses them."""
    from tfx.orchestration import data_types_utils

    with_default = {
        value.name
        for _, value in _parameters(pipeline)
        if _is_parameter(value) and value.default is not None
    }
    for _, declared in pipeline_ir.runtime_parameters(message):
        if declared.name in with_default and pipeline_ir.default_of(declared) is None:
            empty = pipeline_ir.python_type(declared)()
            data_types_utils.set_metadata_value(declared.default_value, empty)


def _parameters(pipeline: Pipeline) -> Iterator[tuple[str, Any]]:
    """All parameters of all nodes: where each is, and its value."""
    for node in sorted(pipeline.components, key=lambda node: node.id):
        for key, value in node.exec_properties.items():
            yield f"{node.id}.{key}", value


def _is_parameter(value: Any) -> bool:
    return type(value).__name__ == _CLASS


def _inside(value: Any) -> Iterator[str]:
    """The names of the runtime parameters inside a dict, a list, or JSON text that TFX made."""
    if isinstance(value, str) and _CLASS in value:
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        if value.get("__class__") == _CLASS:
            yield str(value.get("name"))
            return
        value = list(value.values())
    for item in value if isinstance(value, (list, tuple)) else ():
        if _is_parameter(item):
            yield item.name
        else:
            yield from _inside(item)
