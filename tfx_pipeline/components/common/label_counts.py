"""Counts the values of the label in each split, from its column alone.

Statistics do not have the number of rows of each number.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from tfx import types
from tfx.types import artifact_utils

from tfx_pipeline.components.common import raw_rows
from tfx_pipeline.config.label_classes import Value

TRAIN = "train"
"""The split in which classes are found."""


@dataclasses.dataclass(frozen=True)
class LabelCounts:
    """The labels of a split.

    Attributes:
      values: the number of rows of each value.
      missing: the number of rows without one: empty, or not a number.
    """

    values: collections.Counter[Value]
    missing: int

    @property
    def rows(self) -> int:
        """All rows of the split."""
        return self.missing + sum(self.values.values())


def count(
    examples: Sequence[types.Artifact], label: str, numbers: bool = True
) -> dict[str, LabelCounts]:
    """Counts the labels of each split.

    Args:
      examples: raw examples.
      label: the label's column.
      numbers: whether to count each number; otherwise all numbers count as 0.
    """
    found: dict[str, LabelCounts] = {}
    for artifact in examples:
        for split in artifact_utils.decode_split_names(artifact.split_names):
            of_split = _of_split(artifact, split, label, numbers)
            before = found.get(split, LabelCounts(collections.Counter(), 0))
            found[split] = LabelCounts(
                before.values + of_split.values, before.missing + of_split.missing
            )
    return found


def of_training(counts: dict[str, LabelCounts]) -> collections.Counter[Value]:
    """The values in the training split; in all splits if none has this name."""
    splits = [counts[TRAIN]] if TRAIN in counts else list(counts.values())
    return sum((split.values for split in splits), collections.Counter())


def _of_split(artifact: types.Artifact, split: str, label: str, numbers: bool) -> LabelCounts:
    values: collections.Counter[Value] = collections.Counter()
    rows = 0
    for batch_rows, labels in columns(artifact, split, label):
        rows += batch_rows
        if not numbers and not _is_text(labels.type):
            finite = pc.sum(pc.is_finite(labels)) if pa.types.is_floating(labels.type) else None
            values[0] += (finite.as_py() or 0) if finite is not None else len(labels)
            continue
        for found in pc.value_counts(labels).to_pylist():
            values[plain(found["values"])] += found["counts"]
    # Not a number is a missing value, as an empty text is.
    known = collections.Counter({v: n for v, n in values.items() if v == v and v != "" and n})
    return LabelCounts(known, max(0, rows - sum(known.values())))


def columns(artifact: types.Artifact, split: str, name: str) -> Iterator[tuple[int, pa.Array]]:
    """The number of rows of each batch of a split, and one column's values in these rows."""
    for batch in raw_rows.batches(artifact, split, [name]):
        index = batch.schema.get_field_index(name)
        if index >= 0 and not pa.types.is_null(batch.column(index).type):
            yield len(batch), batch.column(index).flatten()
        else:
            yield len(batch), pa.array([], pa.float32())


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_binary(type_) or pa.types.is_large_binary(type_)


def plain(value: bytes | int | float) -> Value:
    """A value of a tf.Example as a label is: texts are not bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
