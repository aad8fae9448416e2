"""Finds labels that are none of the classes: training and evaluation would leave their rows out.

Statistics do not have the number of rows of each number, so the label's column is read.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from tfx import types
from tfx.types import artifact_utils

from tfx_pipeline.components.data_gate import raw_rows
from tfx_pipeline.config import metric_catalog
from tfx_pipeline.errors import Finding
from tfx_pipeline.modeling.label_spelling import BINARY_SPELLINGS, UNKNOWN_CLASS, class_id

_Value = str | int | float

_MOST_SHOWN = 8
_MOST_CLASSES = 20
_OTHERWISE = (
    "Correct the data, or leave the label empty in rows that are not to count. "
    "With schema.on_anomaly: warn these rows are left out"
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """Which values a label may have.

    Attributes:
      label: the label's column.
      task: binary, multiclass or regression.
      classes: the classes' names as configured; empty if they are not.
    """

    label: str
    task: str
    classes: tuple[str, ...] = ()

    @property
    def needs_values(self) -> bool:
        """Whether any value can be wrong."""
        return self.task != metric_catalog.REGRESSION

    def has(self, value: _Value) -> bool:
        """Whether a value is one of a class."""
        if self.task == metric_catalog.MULTICLASS and not self.classes:
            return not _is_fraction(value)
        ids = {name: index for index, name in enumerate(self.classes or ("0", "1"))}
        return class_id(value, ids) != UNKNOWN_CLASS


def count(examples: Sequence[types.Artifact], label: str) -> collections.Counter[_Value]:
    """The number of rows of each value, in all splits; missing labels do not count."""
    counts: collections.Counter[_Value] = collections.Counter()
    for artifact in examples:
        for split in artifact_utils.decode_split_names(artifact.split_names):
            for values in _columns(artifact, split, label):
                for found in pc.value_counts(values).to_pylist():
                    counts[_plain(found["values"])] += found["counts"]
    # Not a number is a missing value, as an empty text is.
    return collections.Counter({v: n for v, n in counts.items() if v == v and v != ""})


def _columns(artifact: types.Artifact, split: str, label: str) -> Iterator[pa.Array]:
    """The label's values in each batch of a split."""
    for batch in raw_rows.batches(artifact, split, label):
        index = batch.schema.get_field_index(label)
        if index >= 0 and not pa.types.is_null(batch.column(index).type):
            yield batch.column(index).flatten()


def _plain(value: bytes | int | float) -> _Value:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def finding(rule: Rule, counts: collections.Counter[_Value]) -> Finding | None:
    """The labels of no class, with the numbers of their rows; None if there are none."""
    unknown = [(value, rows) for value, rows in counts.most_common() if not rule.has(value)]
    if not unknown:
        return None
    shown = [f"{_quoted(value)} in {_rows(rows)}" for value, rows in unknown[:_MOST_SHOWN]]
    if len(unknown) > _MOST_SHOWN:
        rest = unknown[_MOST_SHOWN:]
        shown.append(f"{len(rest)} other values in {_rows(sum(rows for _, rows in rest))}")
    found = f"{', '.join(shown)}, of {_rows(sum(counts.values()))}. {_expected(rule)}"
    return Finding(rule.label, "label of no class", found)


def _quoted(value: _Value) -> str:
    return json.dumps(_name(value), ensure_ascii=False)


def _rows(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _expected(rule: Rule) -> str:
    if rule.classes:
        return f"The classes are {_list(rule.classes)}"
    if rule.task == metric_catalog.MULTICLASS:
        return "Classes are texts or whole numbers"
    zero, one = ("/".join(spellings[:3]) for spellings in BINARY_SPELLINGS)
    return f"Without label.classes, a binary label is {zero} or {one}"


def suggestion(rule: Rule, counts: collections.Counter[_Value]) -> str:
    """What to do about labels of no class: a setting that fits the values, if there is one."""
    if any(_is_fraction(value) for value in counts):
        advice = "For numbers with fractions set label.task: regression, or make the classes texts"
        return f"{advice}. {_OTHERWISE}"
    values = sorted(counts, key=lambda value: (isinstance(value, str), value))
    names = [_name(value) for value in values]
    if len(names) == 2 and rule.task == metric_catalog.BINARY:
        return f"For these two classes set label.classes: {_list(names)}. {_OTHERWISE}"
    known = [*rule.classes, *(name for name in names if name not in rule.classes)]
    if len(known) > _MOST_CLASSES or any(name != name.strip() for name in names):
        return _OTHERWISE
    task = "" if rule.task == metric_catalog.MULTICLASS else "label.task: multiclass and "
    return f"For {len(known)} classes set {task}label.classes: {_list(known)}. {_OTHERWISE}"


def _list(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)


def _is_fraction(value: _Value) -> bool:
    return isinstance(value, float) and not value.is_integer()


def _name(value: _Value) -> str:
    """The class that a value means: 1.0 is the class "1"."""
    if isinstance(value, float):
        return f"{value:g}" if _is_fraction(value) else str(int(value))
    return str(value)
