"""Nodes that a condition skips: TFX's launcher leaves no trace of them in ML Metadata.

A node in `tfx.dsl.Cond` does not run if the predicate is false. A node that needs an output
of a skipped node cannot run either and is skipped as well.
"""

from __future__ import annotations

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata as tfx_metadata
from tfx.orchestration.portable import execution_publish_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline.metadata import node_record
from tfx_pipeline.metadata.history import History


def skipped_producer(node: pipeline_pb2.PipelineNode, run_id: str, history: History) -> str | None:
    """The upstream node that was skipped in this run and whose output the node needs."""
    for spec in node.inputs.inputs.values():
        producers = {channel.producer_node_query.id for channel in spec.channels}
        skipped = [name for name in sorted(producers) if _is_skipped(name, run_id, history)]
        if spec.min_count and skipped and len(skipped) == len(producers):
            return skipped[0]
    return None


def _is_skipped(node: str, run_id: str, history: History) -> bool:
    record = history.record(node, run_id)
    return record is not None and record.state == node_record.SKIPPED


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
