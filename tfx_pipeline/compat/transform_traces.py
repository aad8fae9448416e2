"""One trace of the user's preprocessing function for both its inspection and its analysis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def remembering_traces(trace: Callable[..., Any]) -> Callable[..., Any]:
    """Remembers traces for inspection, which reads them; an analysis takes one of TF 1 away."""
    known: dict[Any, Any] = {}

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
                return known[key]
            if use_tf_compat_v1:  # TF 2 traces into the folder
                return known.pop(key)
        traced = trace(preprocessing_fn, input_specs, use_tf_compat_v1, base_temp_dir)
        if base_temp_dir is None:
            known[key] = traced
        return traced

    return remembered
