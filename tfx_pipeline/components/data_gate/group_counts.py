"""Counts the rows and the labels of each group: the people whom a column such as `sex` names.

Statistics have each column by itself, so both columns are read together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx import types
from tfx.types import artifact_utils

from tfx_pipeline.components.common import label_counts, raw_rows
from tfx_pipeline.config.label_classes import Value, class_name

MISSING = "missing"
"""The group of the rows without a value in the column."""

MOST_GROUPS = 50
"""A column with more values has no groups."""


@dataclasses.dataclass(frozen=True)
class Group:
    """The rows of a group.

    Attributes:
      rows: the number of rows, with and without a label.
      labels: the rows of each value of the label; empty for numbers.
      numbers: the number of rows whose label is a number.
      mean: of these labels.
      squares: the sum of the squared distances of these labels from the mean.
    """

    rows: int = 0
    labels: Mapping[Value, int] = dataclasses.field(default_factory=dict)
    numbers: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def with_rows_of(self, other: Group) -> Group:
        """The rows of both."""
        labels = dict(self.labels)
        for value, rows in other.labels.items():
            labels[value] = labels.get(value, 0) + rows
        numbers = self.numbers + other.numbers
        mean, squares = self.mean, self.squares + other.squares
        if other.numbers:
            apart = other.mean - self.mean
            mean += apart * other.numbers / numbers
            squares += apart**2 * self.numbers * other.numbers / numbers
        return Group(self.rows + other.rows, labels, numbers, mean, squares)


class NoGroups(ValueError):
    """A column has no groups; the text says why, without the column's name."""


Groups = dict[str, Group]
"""The groups of a column by value."""


def count(
    examples: Sequence[types.Artifact], split: str, column: str, label: str, numbers: bool
) -> Groups:
    """The groups of one column in a split.

    Args:
      examples: raw examples.
      split: the split's name.
      column: has the groups.
      label: the label's column.
      numbers: whether the label is a number, of which the mean counts.

    Raises:
      NoGroups: the column is not in the data, has more than MOST_GROUPS values, or several in
        a row.
    """
    groups: Groups = {}
    for artifact in examples:
        if split in artifact_utils.decode_split_names(artifact.split_names):
            for batch in raw_rows.batches(artifact, split, [column, label]):
                for name, found in _of_batch(batch, column, label, numbers):
                    groups[name] = groups.get(name, Group()).with_rows_of(found)
                if len(groups) - (MISSING in groups) > MOST_GROUPS:
                    raise NoGroups(_too_many(artifact, split, column))
    if set(groups) <= {MISSING}:
        raise NoGroups("the data has no such column, or no value in it")
    return groups


def _of_batch(
    batch: pa.RecordBatch, column: str, label: str, numbers: bool
) -> Iterator[tuple[str, Group]]:
    values = _one_value_each(batch, column).dictionary_encode()
    codes = values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)
    labels = _one_value_each(batch, label)
    for code, value in enumerate([*values.dictionary.to_pylist(), None]):
        mask = codes == code
        if mask.any():
            known = labels.filter(pa.array(mask)).drop_null()
            found = _numbers(known) if numbers else Group(labels=_labels(known))
            yield _name(value), dataclasses.replace(found, rows=int(mask.sum()))


def _one_value_each(batch: pa.RecordBatch, column: str) -> pa.Array:
    """One value for each row, null where there is none."""
    index = batch.schema.get_field_index(column)
    if index < 0 or pa.types.is_null(batch.column(index).type):
        return pa.nulls(len(batch), pa.float32())
    lists = batch.column(index)
    values, parents = lists.flatten(), pc.list_parent_indices(lists).to_numpy()
    if len(np.unique(parents)) < len(parents):
        raise NoGroups("a row has several values; groups need one value in each row")
    places = np.full(len(batch), -1)
    places[parents] = np.arange(len(values))
    return values.take(pa.array(places, mask=places < 0))


def _labels(known: pa.Array) -> dict[Value, int]:
    counts: dict[Value, int] = {}
    for found in pc.value_counts(known).to_pylist():
        value = label_counts.plain(found["values"])
        if value == value and value != "":  # not a number is a missing value
            counts[value] = found["counts"]
    return counts


def _numbers(known: pa.Array) -> Group:
    if not (pa.types.is_integer(known.type) or pa.types.is_floating(known.type)):
        return Group()
    values = known.to_numpy(zero_copy_only=False).astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return Group()
    mean = float(values.mean())
    return Group(numbers=len(values), mean=mean, squares=float(((values - mean) ** 2).sum()))


def _name(value: Any) -> str:
    if value is None or value != value or value == b"":
        return MISSING
    return class_name(label_counts.plain(value))


def _too_many(artifact: types.Artifact, split: str, column: str) -> str:
    found: set[Any] = set()
    for batch in raw_rows.batches(artifact, split, [column]):
        found |= set(pc.unique(_one_value_each(batch, column)).to_pylist())
    found = {value for value in found if _name(value) != MISSING}
    what, shown = "different texts", ""
    if not any(isinstance(value, bytes) for value in found):
        what, shown = "different numbers", f" from {min(found):g} to {max(found):g}"
    return (
        f"{len(found):,} {what}{shown}, and groups are at most {MOST_GROUPS}. Name a column "
        "with few values, for example one with ranges such as 18-30"
    )
