"""Compiles a pipeline once, to TFX IR (pipeline.pb) and manifest.json.

Nodes are executed from the IR. The manifest describes the same pipeline to
orchestrators, as plain JSON: nodes, edges, commands and runtime parameters.
Equal configurations give equal bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import pathlib
from typing import TYPE_CHECKING, Any

from tfx_pipeline import errors
from tfx_pipeline.compat.tensorflow_environment import prepare_environment
from tfx_pipeline.compiler import main_module, own_pipeline, runtime_parameters, support_check
from tfx_pipeline.config.models import PipelineConfig
from tfx_pipeline.ir import manifest, manifest_nodes, pipeline_ir
from tfx_pipeline.ir.manifest import Manifest
from tfx_pipeline.storage.atomic_write import write_atomically
from tfx_pipeline.storage.layout import CompiledLayout, Layout
from tfx_pipeline.user_code import finder, loader

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_node import BaseNode
    from tfx.orchestration.pipeline import Pipeline
    from tfx.proto.orchestration import pipeline_pb2

_BLESSINGS = ("model_blessing", "infra_blessing")


@dataclasses.dataclass(frozen=True)
class Compiled:
    """A compiled pipeline: its IR and its manifest, both deterministic."""

    ir: bytes
    manifest: Manifest

    def write(self, folder: pathlib.Path) -> CompiledLayout:
        """Writes `pipeline.pb` and `manifest.json` into `folder`."""
        layout = CompiledLayout(folder)
        write_atomically(layout.ir, self.ir)
        write_atomically(layout.manifest, self.manifest.to_json())
        return layout


def compile_pipeline(config: PipelineConfig) -> Compiled:
    """Creates the configured pipeline and compiles it.

    Raises:
      ConfigError: a dotted path of `modules` cannot be imported.
    """
    prepare_environment()
    pipeline = _create(config)
    if pipeline.pipeline_name != config.name:
        raise errors.ConfigError(
            errors.Problem(
                "modules.create_pipeline",
                f"the pipeline is named {pipeline.pipeline_name!r}, the configuration "
                f"{config.name!r}",
                "Give both the same name: pipeline_name=config.name",
            )
        )
    return compile_object(pipeline, config)


def compile_object(pipeline: Pipeline, config: PipelineConfig) -> Compiled:
    """Compiles a pipeline object that this process has created.

    Args:
      pipeline: any TFX pipeline.
      config: made of it by `own_pipeline.config_of`.

    Raises:
      ConfigError: it holds something that cannot be run.
    """
    from tfx.dsl.compiler.compiler import Compiler

    runtime_parameters.check(pipeline)
    try:
        message = Compiler().compile(pipeline)
    except Exception as error:  # of many kinds: TFX checks as it goes
        name = f"pipeline {pipeline.pipeline_name!r}"
        problem = errors.Problem(name, f"cannot be compiled: {type(error).__name__}: {error}")
        raise errors.ConfigError(problem) from error
    runtime_parameters.set_defaults(message, pipeline)
    main_module.rename(message)
    support_check.check(message)
    _set_places(message, config)
    _require_blessings(message)
    # An Any contains bytes; TFX serialized these with maps in random order.
    message.deployment_config.Pack(pipeline_ir.deployment(message), deterministic=True)
    data = message.SerializeToString(deterministic=True)
    return Compiled(data, _manifest(message, data, config))


def _set_places(message: pipeline_pb2.Pipeline, config: PipelineConfig) -> None:
    """Sets the artifacts' folder where the pipeline has none, and ML Metadata's connection.

    With a configuration the connection is the configured one, where all commands look.
    """
    from tfx_pipeline.metadata import database

    layout = Layout(config.root, config.name)
    root = message.runtime_spec.pipeline_root.runtime_parameter.default_value
    root.string_value = root.string_value or layout.artifacts
    deployment = pipeline_ir.deployment(message)
    is_object = isinstance(config, own_pipeline.ObjectConfig)
    if not is_object or not deployment.HasField("metadata_connection_config"):
        connection = database.connection_config(config.metadata, layout.metadata_db)
        deployment.metadata_connection_config.Pack(connection)
        message.deployment_config.Pack(deployment)


def _create(config: PipelineConfig) -> Pipeline:
    """Calls the configured `create_pipeline` and `extend` functions."""
    finder.add_to_import_path(config.folder)
    key, path = "modules.create_pipeline", config.modules.create_pipeline
    pipeline = own_pipeline.checked(call_function(path, key, config), path, key)
    extras = [node for path in config.modules.extend for node in _added(path, pipeline, config)]
    if extras:
        pipeline.components = [*pipeline.components, *extras]
    return pipeline


def _added(path: str, pipeline: Pipeline, config: PipelineConfig) -> list[BaseNode]:
    """The components that a function of `modules.extend` adds."""
    from tfx.dsl.components.base.base_node import BaseNode

    nodes = call_function(path, "modules.extend", pipeline, config)
    if isinstance(nodes, (list, tuple)) and all(isinstance(node, BaseNode) for node in nodes):
        return list(nodes)
    message = f"{path}: must return a list of TFX components, found {nodes!r:.100}"
    raise errors.ConfigError(errors.Problem("modules.extend", message))


def call_function(dotted_path: str, key: str, *arguments: Any) -> Any:
    """Calls the function that a configuration key names.

    Raises:
      ConfigError: its module cannot be imported or has no such function, or it raises.
    """
    try:
        return loader.call(dotted_path, *arguments)
    except loader.LoadError as error:
        raise errors.ConfigError(
            errors.Problem(key, f"{dotted_path}: {error.reason}", error.remedy)
        ) from error


def _require_blessings(message: pipeline_pb2.Pipeline) -> None:
    """Makes the blessings that are connected to a Pusher required.

    In TFX they are optional, and a Pusher that finds none pushes the model.
    """
    for node in pipeline_ir.nodes(message):
        for key in _BLESSINGS:
            if "pushed_model" in node.outputs.outputs and key in node.inputs.inputs:
                node.inputs.inputs[key].min_count = 1


def _manifest(message: pipeline_pb2.Pipeline, data: bytes, config: PipelineConfig) -> Manifest:
    return Manifest(
        pipeline=message.pipeline_info.id,
        description=config.description,
        tfx=importlib.metadata.version("tfx"),
        ir_sha256=hashlib.sha256(data).hexdigest(),
        root=pipeline_ir.pipeline_root(message),
        metadata=str(config.metadata),
        push_dir=config.push_dir,
        model_name=config.model_name,
        nodes=manifest_nodes.of_pipeline(message),
        parameters=_parameters(message),
        report=manifest.REPORT_COMMAND if config.report else (),
    )


def _parameters(message: pipeline_pb2.Pipeline) -> dict[str, manifest.Parameter]:
    found: dict[str, manifest.Parameter] = {}
    for node, declared in pipeline_ir.runtime_parameters(message):
        before = found.get(declared.name)
        found[declared.name] = manifest.Parameter(
            type=pipeline_ir.type_of(declared),
            default=pipeline_ir.default_of(declared),
            nodes=(*(before.nodes if before else ()), node),
        )
    return dict(sorted(found.items()))
