"""TFX's Resolver nodes."""

from __future__ import annotations

from collections.abc import Iterable

from tfx.dsl.components.common import resolver


def remove_outputs(node: resolver.Resolver, keys: Iterable[str]) -> None:
    """Removes outputs of a Resolver that its strategy reads only.

    TFX makes an output of every input, and has no public way to leave one out. The
    strategy still receives these inputs.
    """
    for key in keys:
        del node._input_dict[key], node._output_dict[key]
