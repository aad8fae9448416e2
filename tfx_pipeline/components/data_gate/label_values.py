"""Judges the labels: values that are no class, too many or too few of them, missing ones."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence

from tfx_pipeline.components.common.label_counts import LabelCounts, of_training
from tfx_pipeline.config import label_classes, metric_catalog
from tfx_pipeline.config.label_classes import UNKNOWN_CLASS, Value, class_id, class_name, quoted
from tfx_pipeline.errors import Finding, did_you_mean

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
      configured: `label.classes`; empty if they are to be found in the training split.
      positive: `label.positive`.
    """

    label: str
    task: str
    configured: tuple[str, ...] = ()
    positive: str | None = None

    @property
    def is_number(self) -> bool:
        """Whether the label is a number, not a class."""
        return self.task == metric_catalog.REGRESSION


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What is wrong with the labels.

    Attributes:
      findings: why they are refused.
      advice: what to do about it.
      note: what to say about labels that pass.
    """

    findings: tuple[Finding, ...] = ()
    advice: str = ""
    note: str = ""


def judge(rule: Rule, counts: Mapping[str, LabelCounts]) -> Judgement:
    """Judges the labels of all splits.

    Args:
      rule: which values they may have.
      counts: the labels of each split.
    """
    together = sum((split.values for split in counts.values()), collections.Counter[Value]())
    trained = of_training(dict(counts))
    notes = [_missing(rule, counts)]
    if rule.is_number:
        return _judged(rule, _texts(together), _NOT_A_NUMBER, notes)
    if rule.configured:
        classes = label_classes.find(trained, rule.task, rule.configured, rule.positive).names
        return _judged(rule, *_of_no_class(rule, classes, together), notes)
    names = list(label_classes.grouped(trained, rule.task))
    if any(map(label_classes.is_fraction, together)):
        return _judged(rule, *_fractions(together), notes)
    if len(names) > label_classes.MOST_CLASSES:
        return _judged(rule, *_too_many(names, together), notes)
    if rule.task == metric_catalog.MULTICLASS:
        return Judgement(note=_joined([*notes, _not_trained(names, together)]))
    if rule.positive is not None and names and not _is_class(rule.positive, names):
        return _judged(rule, *_no_positive(rule, names, together), notes)
    if len(names) > 2:
        return _judged(rule, *_more_than_two(names, together), notes)
    found = label_classes.find(trained, rule.task, None, rule.positive)
    if set(found.names) != {"0", "1"} and rule.positive is None and len(names) == 2:
        notes.append(f"label {rule.label}: {found.reason}; label.positive sets it")
    return _judged(rule, *_of_no_class(rule, found.names, together), notes)


_Found = tuple[str, str]
"""The broken rule, and what was found; both empty if nothing is wrong."""
_NOTHING: _Found = ("", "")
_NOT_A_NUMBER = "For classes set label.task: binary or multiclass"


def _judged(rule: Rule, found: _Found, advice: str, notes: Sequence[str]) -> Judgement:
    if not found[1]:
        return Judgement(note=_joined(notes))
    full_advice = f"{advice}. {_OTHERWISE}" if advice else _OTHERWISE
    return Judgement((Finding(rule.label, *found),), full_advice, _joined(notes))


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(filter(None, notes))


def _missing(rule: Rule, counts: Mapping[str, LabelCounts]) -> str:
    missing = {split: found.missing for split, found in counts.items() if found.missing}
    if not missing:
        return ""
    by_split = ", ".join(f"{split} {number:,}" for split, number in missing.items())
    return (
        f"no label {rule.label} in {sum(missing.values()):,} of "
        f"{_rows(sum(found.rows for found in counts.values()))} ({by_split}): left out of "
        "training and evaluation"
    )


def _texts(together: Mapping[Value, int]) -> _Found:
    texts: dict[Value, int] = {v: rows for v, rows in together.items() if isinstance(v, str)}
    return ("label is a number", _shown(texts, together)) if texts else _NOTHING


def _of_no_class(
    rule: Rule, classes: Sequence[str], together: Mapping[Value, int]
) -> tuple[_Found, str]:
    """Values that are none of the classes."""
    ids = {name: index for index, name in enumerate(classes)}
    unknown: dict[Value, int] = {
        v: rows for v, rows in together.items() if class_id(v, ids) == UNKNOWN_CLASS
    }
    if not unknown:
        return _NOTHING, ""
    found = f"{_shown(unknown, together)}. The classes are {_list(classes)}"
    if any(map(label_classes.is_fraction, together)):
        return ("label of no class", found), _FOR_FRACTIONS
    others = list(label_classes.grouped(unknown, rule.task))
    return ("label of no class", found), _setting(rule, [*classes, *others])


_FOR_FRACTIONS = "For numbers with fractions set label.task: regression, or make the classes texts"


def _fractions(together: Mapping[Value, int]) -> tuple[_Found, str]:
    unknown = {v: rows for v, rows in together.items() if label_classes.is_fraction(v)}
    found = f"{_shown(unknown, together)}. Classes are texts or whole numbers"
    return ("label of no class", found), _FOR_FRACTIONS


def _too_many(names: Sequence[str], together: Mapping[Value, int]) -> tuple[_Found, str]:
    rows = sum(together.values())
    found = (
        f"{len(names):,} different values in {_rows(rows)}, for example "
        f"{', '.join(map(quoted, names[:3]))}. At most {label_classes.MOST_CLASSES:,} are "
        "taken as classes"
    )
    advice = "Is it the right column? For numbers set label.task: regression"
    return ("label has too many classes", found), f"{advice}; or name the classes in label.classes"


def _more_than_two(names: Sequence[str], together: Mapping[Value, int]) -> tuple[_Found, str]:
    found = f"{len(names):,} values: {_shown(together, together)}"
    advice = f"For {len(names)} classes set label.task: multiclass"
    if len(names) > _MOST_CLASSES and not any(isinstance(value, str) for value in together):
        advice += ", for numbers regression"
    return ("a binary label has two values", found), advice


def _no_positive(
    rule: Rule, names: Sequence[str], together: Mapping[Value, int]
) -> tuple[_Found, str]:
    positive = quoted(rule.positive or "")
    found = f"label.positive is {positive}, which no row has: {_shown(together, together)}"
    hint = did_you_mean(rule.positive or "", names) or "Set label.positive to one of the values"
    return ("label.positive is a value of the label", found), hint.rstrip(".")


def _is_class(name: str, names: Sequence[str]) -> bool:
    return any(label_classes.same_class(name, other) for other in names)


def _not_trained(names: Sequence[str], together: Mapping[Value, int]) -> str:
    rows_by_name = label_classes.grouped(together, metric_catalog.MULTICLASS)
    other = {name: rows for name, rows in rows_by_name.items() if name not in names}
    if not other:
        return ""
    shown = ", ".join(f"{quoted(name)} ({_rows(rows)})" for name, rows in [*other.items()][:5])
    return f"classes without a row in the training split, which count as errors: {shown}"


def _setting(rule: Rule, names: Sequence[str]) -> str:
    """The setting that would take all of these values as classes."""
    if len(names) > _MOST_CLASSES or any(name != name.strip() for name in names):
        return ""
    task = "" if rule.task == metric_catalog.MULTICLASS else "label.task: multiclass and "
    return f"For {len(names)} classes set {task}label.classes: {_list(names)}"


def _shown(values: Mapping[Value, int], together: Mapping[Value, int]) -> str:
    """Values with their rows, the most frequent first, and the rows of all."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], class_name(item[0])))
    shown = [f"{quoted(class_name(v))} in {_rows(rows)}" for v, rows in ordered[:_MOST_SHOWN]]
    if len(ordered) > _MOST_SHOWN:
        rest = ordered[_MOST_SHOWN:]
        shown.append(f"{len(rest):,} other values in {_rows(sum(rows for _, rows in rest))}")
    return f"{', '.join(shown)}, of {_rows(sum(together.values()))}"


def _rows(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, names))}]"
