"""Gives code of the started script the name by which other processes import it.

Components, and functions that a pipeline names, may be defined in the script that creates
the pipeline. There their module is `__main__`, which is another one in each process.
"""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from google.protobuf import any_pb2

from tfx_pipeline import errors
from tfx_pipeline.ir import pipeline_ir

if TYPE_CHECKING:
    from tfx.proto.orchestration import pipeline_pb2

_PREFIX = "__main__."


def rename(pipeline: pipeline_pb2.Pipeline) -> None:
    """Replaces `__main__` by the script's own module name, in executors and parameters.

    Raises:
      ConfigError: the script cannot be imported by a name, as in a notebook.
    """
    deployment = pipeline_ir.deployment(pipeline)
    for node, _, packed in pipeline_ir.executor_and_driver_specs(deployment):
        _rename_class(node, packed)
    pipeline.deployment_config.Pack(deployment)
    for node in pipeline_ir.nodes(pipeline):
        for key, parameter in node.parameters.parameters.items():
            value = parameter.field_value
            if key.endswith("_fn") and value.string_value.startswith(_PREFIX):
                value.string_value = _renamed(node.node_info.id, value.string_value)


def _rename_class(node: str, packed: any_pb2.Any) -> None:
    spec = pipeline_ir.unpacked(packed)
    path = pipeline_ir.class_path(spec)
    if path.startswith(_PREFIX):
        python: Any = getattr(spec, "python_executor_spec", spec)
        python.class_path = _renamed(node, path)
        packed.Pack(spec)


def _renamed(node: str, path: str) -> str:
    return f"{_module_name(node, path)}.{path[len(_PREFIX) :]}"


def _module_name(node: str, path: str) -> str:
    """The name by which the started script can be imported."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:  # python -m package.module
        return str(spec.name)
    file = getattr(main, "__file__", None)
    name = pathlib.Path(file).stem if file else ""
    found = importlib.util.find_spec(name) if name.isidentifier() else None
    origin = found.origin if found is not None else None
    if file and origin and pathlib.Path(origin).resolve() == pathlib.Path(file).resolve():
        return name
    raise errors.ConfigError(
        errors.Problem(
            node,
            f"{path} is defined where no other process can import it",
            "Move it into a module, and import it from there",
        )
    )
