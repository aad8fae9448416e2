"""Nodes that a condition skips: TFX's launcher leaves no trace of them in ML Metadata.

A node in `tfx.dsl.Cond` does not run if the predicate is false. A node that needs an output
of a skipped node cannot run either and is skipped as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration.portable import execution_publish_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.node_record import NodeRecord


def skipped_producer(
    node: pipeline_pb2.PipelineNode, upstream: Mapping[str, NodeRecord]
) -> str | None:
    """The upstream node that was skipped in this run and whose output the node needs.

    Args:
      node: the node.
      upstream: how its upstream nodes ended.
    """
    skipped = {name for name, record in upstream.items() if record.state == node_record.SKIPPED}
    for spec in node.inputs.inputs.values():
        producers = {channel.producer_node_query.id for channel in spec.channels}
        if spec.min_count and producers and producers <= skipped:
            return min(producers)
    return None


def record_skip(
    node: pipeline_pb2.PipelineNode, reason: str, metadata: tfx_metadata.Metadata
) -> None:
    """Records that a node does not run in its run.

    Args:
      node: the node; its run's id has been substituted.
      reason: for the run's table.
      metadata: a connection to ML Metadata that is not open.
    """
    with metadata as handle:
        execution = execution_publish_utils.register_execution(
            handle,
            execution_type=node.node_info.type,
            contexts=context_lib.prepare_contexts(handle, node.contexts),
            last_known_state=metadata_store_pb2.Execution.CANCELED,
        )
        execution.custom_properties[node_record.SKIP_REASON].string_value = reason
        handle.store.put_executions([execution])
