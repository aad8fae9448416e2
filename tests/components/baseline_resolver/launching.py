"""Runs the nodes of a pipeline with TFX's portable launcher."""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration import pipeline as tfx_pipeline_lib
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import data_types, launcher, runtime_parameter_utils

_RUN_ID = "pipeline-run-id"


def database(folder) -> metadata_store_pb2.ConnectionConfig:
    """ML Metadata in a file of the folder, which is made when it is used."""
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(folder / "metadata.db")
    connection.sqlite.connection_mode = 3
    return connection


def run(name: str, root, components: list, connection, run_id: str):
    """Compiles and runs a pipeline with a cache.

    Returns:
      The compiled nodes and how each ended, both by node.
    """
    ir = compiler.Compiler().compile(
        tfx_pipeline_lib.Pipeline(
            name,
            str(root),
            components=components,
            enable_cache=True,
            metadata_connection_config=connection,
        )
    )
    runtime_parameter_utils.substitute_runtime_parameter(ir, {_RUN_ID: run_id})
    deployment = runner_utils.extract_local_deployment_config(ir)
    nodes = {n.pipeline_node.node_info.id: n.pipeline_node for n in ir.nodes}
    infos: dict[str, data_types.ExecutionInfo] = {
        node_id: launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=tfx_metadata.Metadata(connection),
            pipeline_info=ir.pipeline_info,
            pipeline_runtime_spec=ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        ).launch()
        for node_id, node in nodes.items()
    }
    return nodes, infos
