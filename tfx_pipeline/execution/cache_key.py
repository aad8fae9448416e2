"""Completes TFX's cache key, and explains why a node was not cached."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import local_deployment_config_pb2, pipeline_pb2

from tfx_pipeline.config import features
from tfx_pipeline.ir import pipeline_ir
from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.history import PUSHED_MODEL, History
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


def forget_vanished_pushes(history: History, node: pipeline_pb2.PipelineNode) -> None:
    """Excludes pushed models whose version folder was deleted from the cache."""
    types = {output.artifact_spec.type.name for output in node.outputs.outputs.values()}
    if PUSHED_MODEL not in types:
        return
    exists = _path_check()

    def vanished(artifact: metadata_store_pb2.Artifact) -> bool:
        destination = str(node_record.properties(artifact).get("pushed_destination", ""))
        is_known = artifact.state != metadata_store_pb2.Artifact.DELETED
        return is_known and bool(destination) and not exists(destination)

    for artifact in history.pushes(vanished):
        artifact.state = metadata_store_pb2.Artifact.DELETED
        history.store.put_artifacts([artifact])


def _path_check() -> Callable[[str], bool]:
    """Whether a path exists; lists each folder once, since an object store is slow to answer."""
    from tfx.dsl.io import fileio  # heavy, and the local runner imports this module

    @functools.cache
    def names(folder: str) -> frozenset[str]:
        if not fileio.exists(folder):
            return frozenset()
        return frozenset(str(name).rstrip("/") for name in fileio.listdir(folder))

    def exists(path: str) -> bool:
        folder, _, name = path.rstrip("/").rpartition("/")
        return name in names(folder) or bool(fileio.exists(path))

    return exists


def why_executed(history: History, node: str, record: node_record.NodeRecord) -> str | None:
    """One line: what has changed since the node's last successful execution; None if cached."""
    if record.state != node_record.COMPLETE:
        return None
    found = history.store.get_executions_by_id([record.execution_id])
    if not found or CODE_PARAMETER not in found[0].custom_properties:
        return None  # resolvers and importers are never cached
    current, earlier = found[0], _last_complete_before(history, node, record.execution_id)
    if earlier is None:
        return "first execution"
    old_inputs, new_inputs = history.inputs(earlier.id), history.inputs(current.id)
    changes = [f"input {key}" for key in _different(old_inputs, new_inputs)]
    old, new = node_record.properties(earlier), node_record.properties(current)
    for key in _different(old, new):
        if key in (CODE_PARAMETER, FILE_PARAMETER):
            kind = "code" if key == CODE_PARAMETER else "file"
            digests = [json.loads(str(values.get(key) or "{}")) for values in (old, new)]
            changes += [f"{kind} of {name}" for name in _different(*digests)]
        elif not key.startswith("__"):
            changes.append(f"parameter {key}")
    return ", ".join(changes) or "the cache was off or its result is gone"


def _last_complete_before(
    history: History, node: str, execution_id: int
) -> metadata_store_pb2.Execution | None:
    complete = metadata_store_pb2.Execution.COMPLETE
    for execution in history.newest_executions(node):
        if execution.id < execution_id and execution.last_known_state == complete:
            return execution
    return None


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The keys whose values are not the same in both, sorted."""
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
