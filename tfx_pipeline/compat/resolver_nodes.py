"""TFX's Resolver nodes."""

from __future__ import annotations

from collections.abc import Iterable

from tfx.dsl.components.common import resolver
from tfx.proto.orchestration import pipeline_pb2

_NOTHING = " returned None."


def remove_outputs(node: resolver.Resolver, keys: Iterable[str]) -> None:
    """Removes outputs of a Resolver that its strategy reads only.

    TFX makes an output of every input, and has no public way to leave one out. The
    strategy still receives these inputs.
    """
    for key in keys:
        del node._input_dict[key], node._output_dict[key]


def found_nothing(node: pipeline_pb2.PipelineNode, error: str) -> bool:
    """Whether a Resolver failed only because its strategy found no artifacts.

    TFX records such an execution as failed. Its LocalDagRunner goes on all the same: nodes
    that can do without the outputs run. No public name tells this failure from others.

    Args:
      node: the node.
      error: its execution's message.
    """
    is_resolver = node.node_info.type.name == _type_name()
    return is_resolver and error.rstrip().endswith(_NOTHING)


def _type_name() -> str:
    return f"{resolver.Resolver.__module__}.{resolver.Resolver.__qualname__}"
