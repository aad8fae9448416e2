"""`data.split`: how the rows are divided."""

from __future__ import annotations

from typing import Literal

import pydantic
from pydantic import PositiveInt

from tfx_pipeline.config.base import Section

NAMES = ("train", "eval", "test")
"""The splits."""

ALIASES = {
    "training": "train",
    "validation": "eval",
    "valid": "eval",
    "val": "eval",
    "dev": "eval",
    "evaluation": "eval",
    "testing": "test",
}
"""Other words for the splits, which `data.split.column` understands in any case."""


NOT_BY_ROW = ("by", "time", "column", "folders")
"""The keys of `data.split` with which a row can only be in its own split."""


class SpanWindow(Section):
    """A rolling window of spans."""

    last: PositiveInt
    """The number of spans, of which the newest is the last."""


class Split(Section):
    """The shares of the rows, and what decides where a row goes; 6:2:2 means 60, 20 and 20
    percent. Without one of the keys `by`, `time`, `column`, `folders` and `stratify`, the hash of
    the whole row decides. [data.md](data.md) explains them."""

    train: PositiveInt = 6
    """The share of the rows that the model is trained on."""
    eval: PositiveInt = 2
    """The share for early stopping during training."""
    test: PositiveInt = 2
    """The share for the Evaluator and the export check; the Trainer never reads it."""
    by: str | None = None
    """A column, for example a customer's number: all rows with one value are in the same split.
    A row without a value is taken by itself. It is a feature only if `features` names it."""
    time: str | None = None
    """A column of times: the oldest rows are for training, the newest for the test. Rows of the
    same time are in the same split, rows without a time are for training."""
    column: str | None = None
    """A column that names the split of each row: train, eval (or validation) and test. It cannot
    be a feature. The shares are not used."""
    folders: bool = False
    """Whether `data.path` has the folders `train`, `eval` and `test`. The shares are not used."""
    stratify: bool = False
    """Whether each class of the label is divided by the shares. Not for a regression."""

    @pydantic.model_validator(mode="after")
    def _one_rule(self) -> Split:
        keys = ("by", "time", "column", "folders", "stratify")
        given = [key for key in keys if getattr(self, key)]
        if len(given) > 1:
            raise ValueError(f"has {' and '.join(given)}; only one can decide")
        return self

    @property
    def shares(self) -> dict[str, int]:
        """The shares by split."""
        return {name: getattr(self, name) for name in NAMES}

    @property
    def folder_names(self) -> tuple[str, ...]:
        """The folders of the splits; empty if the rows are divided."""
        return NAMES if self.folders else ()

    @property
    def is_by_row(self) -> bool:
        """Whether each row could as well be in another split: no time, group or file decides."""
        return not any(getattr(self, key) for key in NOT_BY_ROW)

    @property
    def no_features(self) -> tuple[str, ...]:
        """The columns that are features only if the configuration names them, or never."""
        return tuple(name for name in (self.by, self.column) if name)

    @property
    def rule(self) -> tuple[Literal["by", "time", "column"], str] | None:
        """The key whose column decides, and the column."""
        if self.by:
            return "by", self.by
        if self.time:
            return "time", self.time
        return ("column", self.column) if self.column else None
