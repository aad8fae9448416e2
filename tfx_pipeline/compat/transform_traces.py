"""One trace of the user's preprocessing function for both its inspection and its analysis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def remembering_traces(trace: Callable[..., Any]) -> Callable[..., Any]:
    """Remembers traces for inspection; an analysis takes one of TF 1 away.

    To inspect the analyzers, TensorFlow Transform empties the graph's collection of them. The
    next reader of the same trace finds it as it was.
    """
    from tensorflow_transform.analyzer_nodes import TENSOR_REPLACEMENTS

    known: dict[Any, tuple[Any, list[Any]]] = {}

    def restored(found: tuple[Any, list[Any]]) -> Any:
        (graph, *_), analyzers = found
        graph.clear_collection(TENSOR_REPLACEMENTS)
        for analyzer in analyzers:
            graph.add_to_collection(TENSOR_REPLACEMENTS, analyzer)
        return found[0]

    def remembered(
        preprocessing_fn: Callable[..., Any],
        input_specs: dict[str, Any],
        use_tf_compat_v1: bool,
        base_temp_dir: str | None = None,
    ) -> Any:
        described = tuple((name, repr(spec)) for name, spec in input_specs.items())
        key = preprocessing_fn, described, use_tf_compat_v1
        if key in known:
            if base_temp_dir is None:
                return restored(known[key])
            if use_tf_compat_v1:  # TF 2 traces into the folder
                return restored(known.pop(key))
        traced = trace(preprocessing_fn, input_specs, use_tf_compat_v1, base_temp_dir)
        if base_temp_dir is None:
            known[key] = traced, traced[0].get_collection(TENSOR_REPLACEMENTS)
        return traced

    return remembered
