"""TFX's Resolver nodes."""

from __future__ import annotations

from collections.abc import Mapping

from tfx import types
from tfx.dsl.components.common import resolver
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import resolved_channel

_NOTHING = " returned None."


def replace_outputs(node: resolver.Resolver, outputs: Mapping[str, type[types.Artifact]]) -> None:
    """Gives a Resolver the outputs that its strategy resolves, by key.

    TFX makes an output of every input, and has no public way to name others. The strategy
    still receives the node's inputs.
    """
    resolved = next(iter(node._input_dict.values()))._output_node
    node._input_dict = {
        key: resolved_channel.ResolvedChannel(kind, resolved, key) for key, kind in outputs.items()
    }
    node._output_dict = {key: types.OutputChannel(kind, node, key) for key, kind in outputs.items()}


def found_nothing(node: pipeline_pb2.PipelineNode, error: str) -> bool:
    """Whether a Resolver failed only because its strategy found no artifacts.

    TFX records such an execution as failed. Its LocalDagRunner goes on all the same: nodes
    that can do without the outputs run. No public name tells this failure from others.

    Args:
      node: the node.
      error: its execution's message.
    """
    is_resolver = node.node_info.type.name == resolver.Resolver.get_class_type()
    return is_resolver and error.rstrip().endswith(_NOTHING)
