"""Completes TFX's cache key, and explains why a node was not cached."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import local_deployment_config_pb2, pipeline_pb2

from tfx_pipeline.config import features
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.history import History
from tfx_pipeline.user_code import code_digest, installed

CODE_PARAMETER = "code_digest"
FILE_PARAMETER = "file_digest"
_CUSTOM_CONFIG = "custom_config"
_DOTTED = re.compile(r"(?<![\w./-])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_FILE_PARAMETERS = ("schema_file", "schema_path")


def complete_key(
    node: pipeline_pb2.PipelineNode,
    deployment: local_deployment_config_pb2.LocalDeploymentConfig,
    paths: Iterable[str],
) -> None:
    """Adds digests of code and files as parameters, so that a change executes the node again.

    Args:
      node: the node, which is changed.
      deployment: how nodes are executed.
      paths: the dotted paths of the node's code, from `code_paths`.
    """
    if node.node_info.id not in deployment.executor_specs:
        return  # resolvers and importers are never cached
    code = code_digest.code_digests(*paths)
    _set(node, CODE_PARAMETER, {**installed.versions(), **code})
    files = {
        key: code_digest.file_digest(value)
        for key in _FILE_PARAMETERS
        if (value := _string_parameter(node, key))
    }
    if files:
        _set(node, FILE_PARAMETER, files)


def code_paths(
    node: pipeline_pb2.PipelineNode,
    deployment: local_deployment_config_pb2.LocalDeploymentConfig,
) -> list[str]:
    """The dotted paths of a node's code: executor, driver, and what its parameters name.

    Parameters name functions, treatments of columns, classes of metrics, or whatever a
    component of your own reads from them.
    """
    name = node.node_info.id
    specs = (deployment.executor_specs, deployment.custom_driver_specs)
    paths = [_class_path(spec[name]) for spec in specs if name in spec]
    for key in sorted({*node.parameters.parameters} - {CODE_PARAMETER, FILE_PARAMETER}):
        text = _string_parameter(node, key)
        paths += filter(code_digest.exists, _DOTTED.findall(text))
        if key == _CUSTOM_CONFIG:
            paths += _treatments(text)
    return list(dict.fromkeys(filter(None, paths)))


def _treatments(custom_config: str) -> list[str]:
    """The classes of the columns' built-in treatments in the configuration of a node."""
    try:
        columns = json.loads(custom_config or "{}")["features"].values()
        names = [column["transform"] for column in columns]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []  # the configuration of a user's own component may be anything
    return [features.BUILT_IN[name] for name in names if name in features.BUILT_IN]


def _class_path(spec: Any) -> str:
    """The class in an executor's or a driver's spec; empty for a container."""
    return pipeline_ir.class_path(getattr(spec, spec.WhichOneof("spec")))


def _string_parameter(node: pipeline_pb2.PipelineNode, key: str) -> str:
    if key not in node.parameters.parameters:  # reading an absent key of a map would add it
        return ""
    return str(node.parameters.parameters[key].field_value.string_value)


def _set(node: pipeline_pb2.PipelineNode, key: str, value: dict[str, str]) -> None:
    text = json.dumps(value, sort_keys=True)
    node.parameters.parameters[key].field_value.string_value = text


def forget_vanished_pushes(history: History, node: str) -> None:
    """Excludes pushed models whose version folder was deleted from the cache."""
    from tfx.dsl.io import fileio  # heavy, and the local runner imports this module

    for execution in history.executions(node):
        for output in history.outputs(execution.id):
            destination = output.properties.get("pushed_destination")
            is_push = output.type == "PushedModel" and destination
            if is_push and not fileio.exists(str(destination)):
                artifact = history.store.get_artifacts_by_id([output.id])[0]
                if artifact.state != metadata_store_pb2.Artifact.DELETED:
                    artifact.state = metadata_store_pb2.Artifact.DELETED
                    history.store.put_artifacts([artifact])


def why_executed(history: History, node: str, record: node_record.NodeRecord) -> str | None:
    """One line: what has changed since the node's last successful execution; None if cached."""
    if record.state != node_record.COMPLETE:
        return None
    executions = {e.id: e for e in history.executions(node)}
    current = executions.get(record.execution_id)
    complete = metadata_store_pb2.Execution.COMPLETE
    earlier = [
        e
        for e in executions.values()
        if e.id < record.execution_id and e.last_known_state == complete
    ]
    if current is None or CODE_PARAMETER not in current.custom_properties:
        return None  # resolvers and importers are never cached
    if not earlier:
        return "first execution"
    old_inputs, new_inputs = history.inputs(earlier[-1].id), history.inputs(current.id)
    changes = [f"input {key}" for key in _different(old_inputs, new_inputs)]
    old, new = node_record.properties(earlier[-1]), node_record.properties(current)
    for key in _different(old, new):
        if key in (CODE_PARAMETER, FILE_PARAMETER):
            kind = "code" if key == CODE_PARAMETER else "file"
            digests = [json.loads(str(values.get(key) or "{}")) for values in (old, new)]
            changes += [f"{kind} of {name}" for name in _different(*digests)]
        elif not key.startswith("__"):
            changes.append(f"parameter {key}")
    return ", ".join(changes) or "the cache was off or its result is gone"


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values are not the same in both, sorted."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
