"""Completes TFX's cache key, and says why a node was not cached."""

from __future__ import annotations

import importlib.metadata
import json

from ml_metadata.proto import metadata_store_pb2
from tfx.proto.orchestration import local_deployment_config_pb2, pipeline_pb2

from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.history import History
from tfx_pipeline.user_code import code_digest

CODE_PARAMETER = "code_digest"
FILE_PARAMETER = "file_digest"
_FILE_PARAMETERS = ("schema_file", "schema_path")


def complete_key(
    node: pipeline_pb2.PipelineNode,
    deployment: local_deployment_config_pb2.LocalDeploymentConfig,
) -> None:
    """Adds digests of code and files as parameters, so that a change executes the node."""
    name = node.node_info.id
    if name not in deployment.executor_specs:
        return  # resolvers and importers are never cached
    code = {"tfx": importlib.metadata.version("tfx"), **_code(node, deployment)}
    _set(node, CODE_PARAMETER, code)
    files = {
        key: code_digest.file_digest(value)
        for key in _FILE_PARAMETERS
        if (value := _string_parameter(node, key))
    }
    if files:
        _set(node, FILE_PARAMETER, files)


def _code(node, deployment) -> dict[str, str]:
    name = node.node_info.id
    paths = [_class_path(deployment.executor_specs[name])]
    if name in deployment.custom_driver_specs:
        paths.append(_class_path(deployment.custom_driver_specs[name]))
    paths += [
        _string_parameter(node, key) for key in node.parameters.parameters if key.endswith("_fn")
    ]
    return code_digest.code_digests(*[path for path in paths if path])


def _class_path(spec) -> str:
    which = spec.WhichOneof("spec")
    inner = getattr(spec, which)
    if hasattr(inner, "python_executor_spec"):
        inner = inner.python_executor_spec
    return getattr(inner, "class_path", "")


def _string_parameter(node: pipeline_pb2.PipelineNode, key: str) -> str:
    return (
        node.parameters.parameters[key].field_value.string_value
        if (key in node.parameters.parameters)
        else ""
    )


def _set(node: pipeline_pb2.PipelineNode, key: str, value: dict[str, str]) -> None:
    text = json.dumps(value, sort_keys=True)
    node.parameters.parameters[key].field_value.string_value = text


def forget_vanished_pushes(history: History, node: str) -> None:
    """Makes pushed models whose version folder is gone unfit for the cache."""
    from tfx.dsl.io import fileio  # heavy, and the local runner imports this module

    for execution in history.executions(node):
        for output in history.outputs(execution.id):
            destination = output.properties.get("pushed_destination")
            if output.type == "PushedModel" and destination and not fileio.exists(destination):
                artifact = history.store.get_artifacts_by_id([output.id])[0]
                if artifact.state != metadata_store_pb2.Artifact.DELETED:
                    artifact.state = metadata_store_pb2.Artifact.DELETED
                    history.store.put_artifacts([artifact])


def why_executed(history: History, node: str, record: node_record.NodeRecord) -> str | None:
    """One line: what changed since the node's last good execution; None when cached."""
    if record.state != node_record.COMPLETE:
        return None
    executions = {e.id: e for e in history.executions(node)}
    current = executions.get(record.execution_id)
    good = (metadata_store_pb2.Execution.COMPLETE,)
    earlier = [
        e for e in executions.values() if e.id < record.execution_id and e.last_known_state in good
    ]
    if current is None or CODE_PARAMETER not in current.custom_properties:
        return None  # resolvers and importers always look anew
    if not earlier:
        return "first execution"
    changes = [*_inputs_changed(history, earlier[-1], current), *_changed(earlier[-1], current)]
    return ", ".join(changes) or "the cache was off or its result is gone"


def _inputs_changed(history, before, after) -> list[str]:
    old, new = history.inputs(before.id), history.inputs(after.id)
    return [f"input {key}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def _changed(before, after) -> list[str]:
    old, new = node_record.properties(before), node_record.properties(after)
    result = []
    for key in sorted({*old, *new}):
        if key.startswith("__") or old.get(key) == new.get(key):
            continue
        if key in (CODE_PARAMETER, FILE_PARAMETER):
            result += _digests_changed(key, old.get(key), new.get(key))
        else:
            result.append(f"parameter {key}")
    return result


def _digests_changed(key: str, before, after) -> list[str]:
    old, new = json.loads(before or "{}"), json.loads(after or "{}")
    kind = "code of" if key == CODE_PARAMETER else "file of"
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    return [f"{kind} {name}" for name in names]
