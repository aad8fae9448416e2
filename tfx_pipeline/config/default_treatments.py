"""Decides the treatment of a column from its type and what its values are.

Used where the configuration leaves the treatment out: by Transform on the statistics of
the training split, by `tfx-pipeline check` on the data's first rows, and by `init`. Equal
facts give equal decisions.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tfx_pipeline.config import datetime_format
from tfx_pipeline.config.treatment import INTEGER, TEXT

MOST_CODES = 50
"""Integers with so many values or fewer between the lowest and the highest are codes."""
MOST_IN_VOCABULARY = 5000
"""Texts with more values than this are hashed."""

_MOST_BUCKETS = 10_000
_SKEWED = 2.5
_LEAST_ROWS = 20
_LONG = 25
"""Texts of so many bytes on average, most of them different, are free text."""

NO_TEXT = {"__BYTES_VALUE__", "__LARGE_BYTES__"}
"""What TensorFlow Data Validation names instead of bytes that are no text, or too many."""

_IDENTIFIER_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|index|rowid|row_?number)$|^unnamed: ?0$")
_IDENTIFIER_CAMEL = re.compile(r"[a-z](ID|Id|UUID|Uuid)$")
_CODE_NAME = re.compile(r"(^|[^a-z])(zip|zip_?code|postal_?code|post_?code|code)$")


@dataclasses.dataclass(frozen=True)
class ColumnFacts:
    """What is known about a column.

    Attributes:
      name: the column's name.
      type: `BYTES`, `INT` or `FLOAT`, as in the schema.
      rows: all rows that were looked at.
      present: the rows with a value.
      distinct: the number of different texts; of numbers None if it is not known.
      low, high: the lowest and the highest number.
      deciles: the numbers below which 10, 50 and 90 percent of the values are.
      mean_length: the mean length of the texts, in bytes.
      examples: some of the texts, the most frequent first.
      int_range: the ends of the schema's int_domain.
      declared: its type in `columns:`; empty if it is not there.
    """

    name: str
    type: str
    rows: int
    present: int
    distinct: int | None = None
    low: float = 0.0
    high: float = 0.0
    deciles: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mean_length: float = 0.0
    examples: tuple[str, ...] = ()
    int_range: tuple[int, int] | None = None
    declared: str = ""

    @property
    def missing(self) -> int:
        """The rows without a value."""
        return self.rows - self.present


@dataclasses.dataclass(frozen=True)
class Decision:
    """How a column is treated.

    Attributes:
      settings: the section of the column in `features`; None leaves the column out.
      reason: why, in a few words.
    """

    settings: dict[str, Any] | None
    reason: str


def decide(facts: ColumnFacts, named: bool = False) -> Decision:
    """Decides the treatment of a column.

    Args:
      facts: what is known about it.
      named: whether the configuration names the column. Then it is left out only if it has
        no two values.
    """
    if not facts.present:
        return Decision(None, "no value")
    if is_no_text(facts.examples) and not facts.declared:
        return Decision(
            None, f"bytes that are no text; images need columns: {{{facts.name}: image}}"
        )
    if _is_constant(facts):
        return Decision(None, "one value only")
    if facts.declared in _DECLARED:
        return _with_indicator(_DECLARED[facts.declared], facts)
    if facts.type == TEXT and _are_dates(facts):
        return Decision({"transform": "datetime"}, "texts are dates as in ISO 8601")
    if not named and (reason := _identifier(facts)):
        return Decision(None, reason)
    if facts.type == TEXT:
        return _text(facts)
    decision = _integer(facts) if facts.type == INTEGER else None
    return decision or _with_indicator(_number(facts), facts)


_DECLARED = {
    "boolean": Decision({"transform": "boolean"}, "declared as boolean"),
    "datetime": Decision({"transform": "datetime"}, "declared as datetime"),
    "list": Decision({"transform": "list"}, "declared as list"),
    "image": Decision({"transform": "image"}, "declared as image"),
}


def is_no_text(values: Iterable[str]) -> bool:
    """Whether the most frequent values of a column say that it has bytes and no texts."""
    found = set(values)
    return bool(found) and found <= NO_TEXT


def _are_dates(facts: ColumnFacts) -> bool:
    iso = datetime_format.pattern(datetime_format.ISO)
    return bool(facts.examples) and all(iso.matches(text) for text in facts.examples)


def _is_constant(facts: ColumnFacts) -> bool:
    if facts.missing or facts.declared in ("list", "image"):
        return False  # whether there is a value may tell something
    return facts.distinct == 1 if facts.type == TEXT else facts.low == facts.high


def _identifier(facts: ColumnFacts) -> str:
    """Why a column tells rows apart and nothing else; empty if it does not."""
    named = bool(_IDENTIFIER_NAME.search(facts.name.lower().strip()))
    named = named or bool(_IDENTIFIER_CAMEL.search(facts.name))
    if facts.type == TEXT:
        distinct = facts.distinct or 0
        if facts.present < _LEAST_ROWS or facts.declared in _DECLARED or _is_prose(facts):
            return ""
        if distinct >= 0.99 * facts.present or (named and distinct > 0.5 * facts.present):
            return "an identifier: nearly every row has a value of its own"
        return ""
    if facts.type != INTEGER or facts.present < _LEAST_ROWS:
        return ""
    span = facts.high - facts.low + 1
    if named and span > MOST_CODES and span > 0.3 * facts.present:
        return "an identifier, by its name and its many values"
    if facts.low in (0, 1) and _counts_rows(facts, span):
        return "an identifier: it counts the rows"
    return ""


def _is_prose(facts: ColumnFacts) -> bool:
    """Whether texts are long, or most of them several words or not in a Latin script."""
    words = sum(" " in text.strip() or not text.isascii() for text in facts.examples)
    return facts.mean_length >= _LONG and (facts.mean_length > 60 or words > 0)


def _counts_rows(facts: ColumnFacts, span: float) -> bool:
    """Whether the integers look like a part of 1, 2, 3 … up to the number of all rows."""
    if not 0.3 * span <= facts.present <= span or span <= 2 * MOST_CODES:
        return False
    tolerance = 0.04 * span + 3 * span / facts.present**0.5
    expected = [facts.low + part * span for part in (0.1, 0.5, 0.9)]
    return all(abs(a - b) <= tolerance for a, b in zip(facts.deciles, expected, strict=True))


def _text(facts: ColumnFacts) -> Decision:
    distinct = facts.distinct or 0
    if facts.mean_length >= _LONG and distinct > 0.5 * facts.present:
        reason = f"free text, {facts.mean_length:.0f} bytes on average"
        return Decision({"transform": "text"}, reason)
    if distinct > MOST_IN_VOCABULARY:
        buckets = min(_MOST_BUCKETS, 2 ** (distinct // 4).bit_length())
        return Decision({"transform": "hash", "buckets": buckets}, f"text, {distinct:,} values")
    # A category of its own needs a few rows to learn from.
    rare = {"min_frequency": 2} if distinct > 0.1 * facts.present else {}
    top_k = max(20, min(1000, 2 ** distinct.bit_length()))
    settings = {"transform": "vocabulary", "top_k": top_k, **rare}
    return Decision(settings, f"text, {distinct:,} values")


def _integer(facts: ColumnFacts) -> Decision | None:
    """Codes; None for quantities."""
    low, high = facts.int_range or (int(facts.low), int(facts.high))
    if high - low < MOST_CODES:
        known = {} if facts.int_range else {"min": low, "max": max(high, low + 1)}
        reason = f"whole numbers from {low} to {high}"
        return Decision({"transform": "integer", **known}, reason)
    if _CODE_NAME.search(facts.name.lower().strip()):
        return Decision({"transform": "hash", "buckets": 1000}, "codes, by its name")
    return None


def _number(facts: ColumnFacts) -> Decision:
    low, middle, high = facts.deciles
    if high == low:
        # Most values are the same one; quantiles do not tell the others apart.
        far = facts.low >= 0 and facts.high > 10 * max(high, 1.0)
        kind = "log" if far else "zscore"
        return Decision({"transform": kind}, "a number, most values are the same one")
    if high - middle > _SKEWED * (middle - low):
        if facts.low >= 0:
            return Decision({"transform": "log"}, "a number with a long tail of high values")
        return Decision({"transform": "buckets", "buckets": 20}, "a skewed number, also below 0")
    if middle - low > _SKEWED * (high - middle):
        return Decision({"transform": "buckets", "buckets": 20}, "a number with a tail of low ones")
    if facts.high - facts.low > 20 * (high - low):
        return Decision({"transform": "buckets", "buckets": 20}, "a number with outliers")
    return Decision({"transform": "zscore"}, "a number")


def _with_indicator(decision: Decision, facts: ColumnFacts) -> Decision:
    if not facts.missing or decision.settings is None:
        return decision
    share = facts.missing / facts.rows
    percent = "under 1" if share < 0.01 else f"{100 * share:.0f}"
    reason = f"{decision.reason}, missing in {percent} %"
    return Decision({**decision.settings, "indicator": True}, reason)


def lines(decisions: dict[str, Decision]) -> Iterator[str]:
    """A line for each decision: the column, its treatment and the reason."""
    width = max(map(len, decisions), default=0)
    for name, decision in decisions.items():
        yield f"{name:{width}}  {described(decision.settings)}  ({decision.reason})"


def described(settings: dict[str, Any] | None) -> str:
    """A treatment as it would stand in the configuration."""
    if settings is None:
        return "left out"
    values = {k: str(v).lower() if isinstance(v, bool) else v for k, v in settings.items()}
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"
