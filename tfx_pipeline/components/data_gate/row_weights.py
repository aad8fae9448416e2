"""Finds rows whose weight is missing or negative, and weights that are all 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from tfx import types
from tfx.types import artifact_utils

from tfx_pipeline.components.common import label_counts
from tfx_pipeline.errors import Finding

REMEDY = (
    "Correct the weights, or leave out label.weight. "
    "With schema.on_anomaly: warn these rows have the weight 0"
)


def findings(examples: Sequence[types.Artifact], column: str) -> list[Finding]:
    """What is wrong with the weights in each split.

    Args:
      examples: raw examples.
      column: the column of `label.weight`.
    """
    found: dict[str, list[str]] = {}
    for artifact in examples:
        for split in artifact_utils.decode_split_names(artifact.split_names):
            for rule, text in _of_split(artifact, split, column):
                found.setdefault(rule, []).append(f"split {split}: {text}")
    return [Finding(column, rule, "; ".join(texts)) for rule, texts in found.items()]


def _of_split(artifact: types.Artifact, split: str, column: str) -> list[tuple[str, str]]:
    rows = present = negative = 0
    total, lowest = 0.0, 0.0
    for batch_rows, values in label_counts.columns(artifact, split, column):
        rows += batch_rows
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            return [("a weight is a number", f"text, for example {_first(values)!r}")]
        weights = values.to_numpy(zero_copy_only=False).astype(np.float64)
        weights = weights[np.isfinite(weights)]
        present += len(weights)
        negative += int((weights < 0).sum())
        total += float(weights.sum())
        lowest = min(lowest, float(weights.min(initial=0.0)))
    found = []
    if present < rows:
        found.append(("every row has a weight", f"missing in {rows - present:,} of {rows:,} rows"))
    if negative:
        text = f"negative in {negative:,} of {rows:,} rows, the lowest is {lowest:g}"
        found.append(("a weight is not negative", text))
    elif present and not total:
        found.append(("some row counts", "every weight is 0"))
    return found


def _first(values: pa.Array) -> str:
    return values[0].as_py().decode("utf-8", "replace") if len(values) else ""
