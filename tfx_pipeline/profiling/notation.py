"""How a table writes numbers and missing values: one notation for all its columns."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tfx_pipeline.errors import first_of
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.column_values import PLAIN_NUMBER, NumberStyle, Values

ALWAYS = ("?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", "k.A.", "k. A.")
"""Texts that stand for no value wherever they appear."""
SOMETIMES = ("-", "--", ".", "..", "...", "*", "None", "none", "(null)", "nil", "missing", "na")
"""Texts that stand for no value in columns of numbers or dates."""

_SUSPECTS = (-1, -9, -99, -999, -9999, -99999, 999, 9999, 99999, 999999)
_MOST_ODD = 0.5
_MIXED = 0.9


@dataclasses.dataclass(frozen=True)
class Notation:
    """How a table writes its values.

    Attributes:
      numbers: how numbers are written.
      missing: texts that stand for no value, beside the empty one.
      choices: what was found, and why.
    """

    numbers: NumberStyle
    missing: tuple[str, ...]
    choices: tuple[Choice, ...]


def detect(columns: Sequence[Values], delimiter: str, classes_of: str | None) -> Notation:
    """Finds the notation of a table.

    Args:
      columns: all columns.
      delimiter: the character between two values.
      classes_of: the label's name: `None` may be one of its classes.
    """
    style, choices = _numbers(columns, delimiter)
    found: dict[str, list[str]] = {}
    for values in columns:
        for text in _missing_in(values, style, values.name == classes_of):
            found.setdefault(text, []).append(values.name)
    for text, names in found.items():
        rows = sum(v.count(v.is_in((text,))) for v in columns if v.name in names)
        reason = f"{counted(rows, 'value')} in {first_of(names, 3)}"
        choices.append(Choice("data.missing", repr(text), reason))
    return Notation(style, tuple(found), tuple(choices))


def _numbers(columns: Sequence[Values], delimiter: str) -> tuple[NumberStyle, list[Choice]]:
    """The style of numbers with which most columns are numbers that are not so otherwise."""
    styles = [NumberStyle(d, t) for d, t in ((".", ","), (",", ""), (",", "."), (",", " "))]
    styles += [NumberStyle(".", " "), NumberStyle(",", "\u00a0"), NumberStyle(".", "'")]
    gains: dict[NumberStyle, list[str]] = {style: [] for style in styles}
    for values in columns:
        looked = values.of(np.ones(len(values.texts), bool), 1000)
        looked = [text for text in looked if text and text not in (*ALWAYS, *SOMETIMES)]
        if not looked or (_share(looked, PLAIN_NUMBER) > _MOST_ODD and not _grouped(looked)):
            continue
        for style in styles:
            if _share(looked, style.pattern) >= _MIXED and _share(looked, PLAIN_NUMBER) < 1:
                gains[style].append(values.name)
    best = max(gains.values(), key=len)
    tied = [style for style, names in gains.items() if len(names) == len(best) and names]
    if not tied:
        return NumberStyle(), []
    # 1,234: with a comma between the values it was quoted, so it is a sign between thousands.
    first = "." if delimiter == "," else ","
    style = next((s for s in tied if s.decimal == first), tied[0])
    names = ", ".join(gains[style][:3])
    choices = []
    if style.decimal != ".":
        choices.append(Choice("data.decimal", repr(style.decimal), f"numbers in {names}"))
    if style.thousands:
        choices.append(Choice("data.thousands", repr(style.thousands), f"numbers in {names}"))
    return style, choices


def _share(texts: Sequence[str], pattern: str) -> float:
    return sum(bool(re.match(pattern, text)) for text in texts) / len(texts)


def _grouped(texts: Sequence[str]) -> bool:
    """Whether some numbers have signs between groups of digits, where the others are short."""
    return any(re.match(r"^[+-]?\d{1,3}([,. '\u00a0]\d{3})+", text) for text in texts) and any(
        not re.match(PLAIN_NUMBER, text) for text in texts
    )


def _missing_in(values: Values, style: NumberStyle, is_label: bool) -> list[str]:
    always = values.is_in(ALWAYS)
    sometimes = values.is_in(SOMETIMES)
    found = values.of(always)
    if not sometimes.any():
        return found
    empty = values.is_in(("",))
    rest = ~(always | sometimes | empty)
    if not rest.any():
        return found
    numbers = values.matching(style.pattern) & rest
    dates = values.matching(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}") & rest
    if (numbers.sum() == rest.sum() or dates.sum() == rest.sum()) and not (
        is_label and values.count(sometimes) > values.rows / 2
    ):
        found += values.of(sometimes)
    return found


def suspicious(numbers: np.ndarray, counts: np.ndarray) -> float | None:
    """A number such as -999 that may stand for no value, far from all the others."""
    known = ~np.isnan(numbers)
    values, counts = numbers[known], counts[known]
    if len(values) < 5:
        return None
    for end in (values.min(), values.max()):
        rest = values[values != end]
        far = rest.min() >= 0 if end < 0 else end > 20 * max(abs(rest.max()), 1.0)
        if end in _SUSPECTS and far and counts[values == end].sum() >= 2:
            gap = abs(end - (rest.min() if end < 0 else rest.max()))
            if gap > 2 * (rest.max() - rest.min()) or end in (-9, -99, -999, -9999, -99999):
                return float(end)
    return None


def keys(notation: Notation) -> Mapping[str, object]:
    """The keys of the section `data` that differ from their defaults."""
    found: dict[str, object] = {}
    if notation.missing:
        found["missing"] = ["", *notation.missing]
    if notation.numbers.decimal != ".":
        found["decimal"] = notation.numbers.decimal
    if notation.numbers.thousands:
        found["thousands"] = notation.numbers.thousands
    return found
