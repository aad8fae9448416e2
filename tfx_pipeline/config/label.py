"""`label:`, the column to predict."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from tfx_pipeline.config.base import Section


def _text(value: Any) -> Any:
    """A value as a CSV file spells it: `true` and 1 are not text in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (int, float)) else value


ClassName = Annotated[str, BeforeValidator(_text)]
"""A value of the label; numbers, `true` and `false` are taken as their text."""


class Label(Section):
    """The column to predict."""

    name: str
    """The column to predict. It must not be one of the features."""
    task: Literal["binary", "multiclass", "regression"]
    """The kind of prediction: `binary` (two classes), `multiclass` (several classes) or
    `regression` (a number)."""
    classes: tuple[ClassName, ...] | None = None
    """The values of the label, in the order of the model's `probabilities`. Absent: the values in
    the training split; for `multiclass` the most frequent first, for `binary` the positive one
    last."""
    positive: ClassName | None = None
    """Which of the two values of a `binary` label is the positive class. Absent: of spellings such
    as no and yes (0/1, false/true, n/y, negative/positive, "not X"/"X") the one that affirms, else
    the larger number, else the rarer value. The run prints which one it is, and why."""
    weight: str | None = None
    """A column with the weight of each row, 0 or more: in the loss of training and in all metrics
    (TFMA's example weights). It is not a feature."""
