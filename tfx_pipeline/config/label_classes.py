"""Which class a raw label means, and which classes a label has: the same rules everywhere.

Transform applies them to tensors, the DataGate, the Evaluator and `init` call these
functions. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence

UNKNOWN_CLASS = -1
"""The class id of a missing or unknown label; training and evaluation leave such rows out."""

BINARY_SPELLINGS = (("0", "false", "no", "n", "f"), ("1", "true", "yes", "y", "t"))
"""Texts that mean no and yes, in any case; see `spellings`."""

MOST_CLASSES = 1000
"""More values than these are refused, unless `label.classes` names them."""

_OPPOSITES = (("negative", "neg", "off", "absent"), ("positive", "pos", "on", "present"))
_NEGATIONS = ("no", "not", "non", "never")

Value = str | int | float
"""A raw label."""


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes of a label.

    Attributes:
      names: in the order of the model's `probabilities`; of two, the last one is positive.
      reason: how they were chosen, a sentence without a full stop.
    """

    names: tuple[str, ...]
    reason: str


def class_id(value: Value, ids: Mapping[str, int]) -> int:
    """The class that a raw label means.

    Args:
      value: the label; a float such as 1.0 means the class "1", 1.5 none.
      ids: the class ids by name; empty for a model that does not give the names.

    Returns:
      The id of the class with this name. Where the two classes are called no and yes, or
      have no names, the other spellings count too. Where they have no names, a number
      is the id itself. Otherwise UNKNOWN_CLASS.
    """
    if isinstance(value, float):
        if not value.is_integer():
            return UNKNOWN_CLASS
        value = int(value)
    name = str(value)
    if name in ids:
        return ids[name]
    names = sorted(ids, key=ids.__getitem__) or ["0", "1"]
    for index, known in enumerate(spellings(names)):
        if name.lower() in known:
            return index
    # Not isdigit: it is also true for "²", which is not a number.
    return int(name) if not ids and name.isdecimal() else UNKNOWN_CLASS


def spellings(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What each class may be called, in lower case, where the two classes mean no and yes.

    Empty for other classes: their names count exactly.
    """
    sides = [_side(name) for name in names]
    known = sorted(side for side in sides if side is not None)
    if len(names) != 2 or known != [0, 1]:
        return ()
    return tuple(BINARY_SPELLINGS[side] for side in sides if side is not None)


def class_name(value: Value) -> str:
    """The class that a value means: 1.0 is the class "1"."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:g}"
    return value if isinstance(value, str) else str(value)


def grouped(counts: Mapping[Value, int], task: str) -> dict[str, int]:
    """The rows of each class by name, most frequent first.

    Of a binary label, spellings of no and yes are one class each, if there are no other
    values; its name is the most frequent spelling. Numbers with fractions are no classes.
    """
    rows: collections.Counter[str] = collections.Counter()
    for value, count in counts.items():
        if not is_fraction(value) and count > 0:
            rows[class_name(value)] += count
    sides = {name: _side(name) for name in rows}
    if task == "binary" and sides and None not in sides.values():
        merged: dict[str, int] = {}
        for side in (0, 1):
            names = _by_frequency({name: rows[name] for name in rows if sides[name] == side})
            if names:
                merged[next(iter(names))] = sum(names.values())
        return _by_frequency(merged)
    return _by_frequency(rows)


def find(
    counts: Mapping[Value, int],
    task: str,
    configured: Sequence[str] | None = None,
    positive: str | None = None,
) -> Classes:
    """The classes of a label from the number of rows of each value in the training split.

    Args:
      counts: rows by raw value, without missing ones.
      task: binary, multiclass or regression.
      configured: `label.classes`.
      positive: `label.positive`.

    Returns:
      For `multiclass`, the values, most frequent first. For `binary`, two values, the positive
      one last: that of `positive`; else of known spellings such as yes and no the one that
      affirms; else the larger number; else the less frequent value, and of equally frequent
      ones the last in alphabetical order. More than two values are not an error here (the
      DataGate refuses them): yes and no are taken if they are among them, else the two most
      frequent ones. Regression has no classes.
    """
    if task == "regression":
        return Classes((), "a number")
    if configured:
        return _positive_last(tuple(configured), task, positive, "set by label.classes")
    rows = grouped(counts, task)
    if task != "binary":
        return Classes(tuple(rows), f"{len(rows)} values in the training split")
    pair = _pair(rows, positive)
    if positive is not None:
        return _positive_last(pair, task, positive, "the values in the training split")
    return _with_positive_found(pair, rows)


def _positive_last(names: tuple[str, ...], task: str, positive: str | None, reason: str) -> Classes:
    if task != "binary" or positive is None:
        return Classes(names, reason)
    last = [name for name in names if same_class(name, positive)]
    rest = [name for name in names if name not in last]
    return Classes((*rest, *last), f"{reason}; {quoted(positive)} is set as positive")


def same_class(name: str, other: str) -> bool:
    """Whether two names mean the same class: they are equal, or spellings of yes or of no."""
    return name == other or (_side(name) is not None and _side(name) == _side(other))


def _pair(rows: dict[str, int], positive: str | None) -> tuple[str, str]:
    """The two classes of a binary label, whatever its values are."""
    names = list(rows)
    by_side = {_side(name): name for name in reversed(names)}
    if positive is not None:
        found = [name for name in names if same_class(name, positive)] or [positive]
        others = [name for name in names if name not in found] or [f"not {positive}"]
        return others[0], found[0]
    if len(names) > 2 and 0 in by_side and 1 in by_side:
        return by_side[0], by_side[1]
    if len(names) >= 2:
        return names[0], names[1]
    if not names or _side(names[0]) is not None:
        return ("0", "1")
    return f"not {names[0]}", names[0]


def _with_positive_found(pair: tuple[str, str], rows: dict[str, int]) -> Classes:
    negative, positive = sorted(pair)
    for rule, reason in _RULES:
        ranks = {name: rank for name in pair if (rank := rule(name)) is not None}
        if len(set(ranks.values())) == 2:
            negative, positive = sorted(pair, key=ranks.__getitem__)
            return Classes((negative, positive), _explained(positive, reason))
    for one, other in ((negative, positive), (positive, negative)):
        if _negates(one, other):
            return Classes((one, other), _explained(other, f"{quoted(one)} negates it"))
    if rows.get(negative, 0) < rows.get(positive, 0):
        negative, positive = positive, negative
    total = sum(rows.values())
    share = f" ({rows.get(positive, 0) / total:.1%} of the labels)" if total else ""
    equal = rows.get(negative) == rows.get(positive)
    reason = "both values are equally frequent" if equal else f"it is the rarer value{share}"
    return Classes((negative, positive), _explained(positive, reason))


def _explained(positive: str, reason: str) -> str:
    return f"{quoted(positive)} is positive: {reason}"


def _side(name: str) -> int | None:
    """0 for a spelling of no, 1 for one of yes, None for other names."""
    return _index(BINARY_SPELLINGS, name)


def _opposite(name: str) -> int | None:
    return _index(_OPPOSITES, name)


def _index(choices: Sequence[Sequence[str]], name: str) -> int | None:
    return next((i for i, names in enumerate(choices) if name.lower() in names), None)


def _number(name: str) -> float | None:
    try:
        return float(name)
    except ValueError:
        return None


_RULES: tuple[tuple[Callable[[str], float | None], str], ...] = (
    (_side, "it is a spelling of yes"),
    (_opposite, "by its meaning"),
    (_number, "it is the larger number"),
)
"""What ranks the two classes, and the reason why the last one is positive."""


def _negates(one: str, other: str) -> bool:
    """Whether `one` is `other` with a word such as "not" before it."""
    rest = other.lower().strip()
    return any(
        one.lower().strip() in (f"{word}{sep}{rest}" for sep in " -_") for word in _NEGATIONS
    )


def _by_frequency(rows: Mapping[str, int]) -> dict[str, int]:
    """Most frequent first; of equally frequent ones in alphabetical order."""
    return dict(sorted(rows.items(), key=lambda item: (-item[1], item[0])))


def is_fraction(value: Value) -> bool:
    """Whether a value is a number that is not whole."""
    return isinstance(value, float) and not value.is_integer()


def quoted(name: str) -> str:
    """A class's name as messages and YAML show it."""
    return json.dumps(name, ensure_ascii=False)
