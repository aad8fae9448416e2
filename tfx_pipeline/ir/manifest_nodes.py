"""The nodes of the manifest, read from TFX's IR."""

from __future__ import annotations

from tfx.proto.orchestration import pipeline_pb2

from tfx_pipeline.ir import manifest, pipeline_ir


def of_pipeline(pipeline: pipeline_pb2.Pipeline) -> tuple[manifest.Node, ...]:
    """The nodes of a compiled pipeline, in topological order."""
    return tuple(map(_node, pipeline_ir.nodes(pipeline)))


def _node(node: pipeline_pb2.PipelineNode) -> manifest.Node:
    name = node.node_info.id
    return manifest.Node(
        id=name,
        type=node.node_info.type.name,
        upstream=tuple(sorted(node.upstream_nodes)),
        downstream=tuple(sorted(node.downstream_nodes)),
        command=manifest.node_command(name),
    )
