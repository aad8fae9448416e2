"""The label: its task and classes, or, where none is named, the columns that could be it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tfx_pipeline.config import label_classes
from tfx_pipeline.errors import ConfigError, Problem, did_you_mean, first_of
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.column_types import ColumnProfile, words

Task = Literal["binary", "multiclass", "regression"]

_FEWEST_ROWS = 20
_MOST_NUMBER_CLASSES = 20
_FEW_VALUES = 10
_RARE_CLASS = 10
_IMBALANCED = 0.1
_LIKELY_NAMES = {
    *("label", "target", "class", "y", "outcome", "response", "churn", "churned", "survived"),
    *("default", "fraud", "price", "species", "diagnosis", "result", "approved", "quality"),
    *("income", "score", "rating", "category", "sales", "clicked", "converted", "sold", "bought"),
}


@dataclasses.dataclass(frozen=True)
class LabelChoice:
    """The column to predict.

    Attributes:
      profile: the column.
      task: what kind of prediction it is.
      classes: the rows of each class, the most frequent first; empty for a regression.
      positive: the positive one of two classes.
      choices: what was decided, and why.
    """

    profile: ColumnProfile
    task: Task
    classes: dict[str, int]
    positive: str | None
    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.profile.name

    @property
    def rarest(self) -> float:
        """The share of the rarest class; 1 for a regression."""
        return min(self.classes.values()) / sum(self.classes.values()) if self.classes else 1.0


def find(profiles: Sequence[ColumnProfile], name: str, where: str) -> ColumnProfile:
    """The column of that name.

    Raises:
      ConfigError: there is none.
    """
    for profile in profiles:
        if profile.name == name:
            return profile
    names = [profile.name for profile in profiles]
    shown = did_you_mean(name, names) or f"Its columns begin with {names[:5]}"
    raise ConfigError(Problem("--label", f"{where} has no column {name!r}", shown))


def decide(profile: ColumnProfile, where: str) -> LabelChoice:
    """Decides the task of a label and finds its classes.

    Raises:
      ConfigError: it cannot be predicted: no or few rows, one class, too many classes, dates
        or lists.
    """
    if profile.type == "boolean":
        # As text, so that the classes keep the names that they have in the data.
        profile = dataclasses.replace(profile, type="text", declared=False)
    name, present = profile.name, profile.present
    if present < _FEWEST_ROWS:
        of = f"{where} has {counted(present, 'row')} with a value in the label {name!r}"
        remedy = f"At least {_FEWEST_ROWS} are needed to train, evaluate and test a model"
        raise _refused(of, remedy)
    if profile.type in ("datetime", "list"):
        what = {"datetime": "dates", "list": "lists"}[profile.type]
        raise _refused(f"{where}: the label {name!r} has {what}", "Name another column")
    if profile.distinct < 2:
        only = profile.values.of(~profile.missing, 1)[0]
        message = f"{where}: the label {name!r} has one value only, {only!r}"
        raise _refused(message, "Name another column, or add rows with other values")
    task, reason = _task(profile)
    choices = [Choice("label.task", task, reason)]
    missing = profile.values.rows - present
    if missing:
        text = f"{counted(missing, 'row')} without a label; they are not trained or tested on"
        choices.append(Choice("label.name", name, text))
    if task == "regression":
        return LabelChoice(profile, task, {}, None, tuple(choices))
    classes = _classes(profile, task)
    if len(classes) > label_classes.MOST_CLASSES:
        message = f"{where}: the label {name!r} has {len(classes):,} different values"
        most = f"at most {label_classes.MOST_CLASSES:,} classes can be predicted"
        raise _refused(message, f"Name another column, or group its values; {most}")
    if len(classes) * 2 > present:
        message = f"{where}: the label {name!r} has {len(classes):,} values in {present:,} rows"
        raise _refused(message, "Name another column: a class is learned from several rows")
    choices += _about_classes(name, task, classes)
    positive = None
    if task == "binary":
        counts = _counts(profile)
        decided = label_classes.find(counts, task)
        positive = decided.names[-1]
        choices.append(Choice("label.positive", repr(positive), decided.reason))
    return LabelChoice(profile, task, classes, positive, tuple(choices))


def _refused(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("--label", message, remedy))


def _task(profile: ColumnProfile) -> tuple[Task, str]:
    distinct = profile.distinct
    if profile.numbers is None:
        distinct = len(label_classes.grouped(_counts(profile), "binary"))
        what = f"{counted(distinct, 'different text')}"
        return ("binary" if distinct <= 2 else "multiclass"), what
    numbers = np.unique(profile.numbers[~profile.missing])
    whole = bool(np.all(numbers == np.round(numbers)))
    low, high = f"{numbers[0]:g}", f"{numbers[-1]:g}"
    if len(numbers) == 2 and whole:
        return "binary", f"only {low} and {high}"
    dense = numbers[-1] - numbers[0] + 1 == len(numbers)
    if whole and dense and numbers[0] in (0, 1) and len(numbers) <= _FEW_VALUES:
        reason = f"whole numbers from {low} to {high}; if they are amounts, write regression"
        return "multiclass", reason
    if whole and distinct <= _MOST_NUMBER_CLASSES and "class" in words(profile.name):
        return "multiclass", f"{distinct} whole numbers, and classes by its name"
    kind = "whole numbers" if whole else "numbers"
    return "regression", f"{counted(len(numbers), 'different ' + kind[:-1])} from {low} to {high}"


def _counts(profile: ColumnProfile) -> dict[label_classes.Value, int]:
    """The rows of each value, as a run will see them."""
    found: dict[label_classes.Value, int] = {}
    for index in np.flatnonzero(~profile.missing):
        text: label_classes.Value = profile.values.texts[int(index)].as_py()
        if profile.numbers is not None:
            number = float(profile.numbers[index])
            text = int(number) if profile.type == "integer" else number
        found[text] = found.get(text, 0) + int(profile.values.counts[index])
    return found


def _classes(profile: ColumnProfile, task: str) -> dict[str, int]:
    return label_classes.grouped(_counts(profile), task)


def _about_classes(name: str, task: Task, classes: dict[str, int]) -> list[Choice]:
    total = sum(classes.values())
    listed = [f"{cls!r} {count / total:.1%}" for cls, count in classes.items()]
    choices = [Choice("label.classes", f"{len(classes)}", first_of(listed, 6))]
    rarest, rows = list(classes.items())[-1]
    if rows < _RARE_CLASS:
        few = sum(count < _RARE_CLASS for count in classes.values())
        reason = (
            f"{few} of {len(classes)} classes have fewer than {_RARE_CLASS} rows, for example "
            f"{rarest!r} with {rows}; a split may have none of them"
        )
        choices.append(Choice(name, "rare classes", reason, level="warning"))
    if rows / total < _IMBALANCED and task == "binary":
        reason = (
            f"{rarest!r} is {rows / total:.1%} of the rows; accuracy says little, look at "
            "auc_precision_recall; probabilities stay calibrated without class weights"
        )
        choices.append(Choice(name, "imbalanced", reason, level="warning"))
    return choices


def candidates(profiles: Sequence[ColumnProfile]) -> list[Choice]:
    """The columns that could be the label, the likeliest first."""
    ranked = []
    for place, profile in enumerate(profiles):
        if profile.present < _FEWEST_ROWS or profile.distinct < 2:
            continue
        if profile.type in ("datetime", "list", "empty"):
            continue
        task, reason = _task(profile)
        classes = profile.distinct if task != "regression" else 0
        if classes > max(20, profile.present // 20) or _unique(profile):
            continue
        named = 3.0 * any(word in _LIKELY_NAMES for word in words(profile.name))
        last = 1.5 * (place == len(profiles) - 1) + 0.5 * (place == 0)
        two = 1.0 * (task == "binary")
        ranked.append((-(named + last + two), place, Choice(profile.name, task, reason)))
    return [choice for _, _, choice in sorted(ranked, key=lambda item: item[:2])]


def _unique(profile: ColumnProfile) -> bool:
    is_id = bool(re.search(r"(^|_)id$", "_".join(words(profile.name))))
    return is_id or (profile.type != "number" and profile.distinct > 0.95 * profile.present)
