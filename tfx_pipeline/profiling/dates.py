"""Finds dates and times, and the format in which they are written."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from collections.abc import Sequence

ISO = "ISO 8601"

_ISO_PATTERN = re.compile(
    r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)?$"
)
_LOOKS_LIKE_ONE = re.compile(r"\d.*[-/.: 年]")
_DATES = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y年%m月%d日",
)
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p")
_COMPACT = "%Y%m%d"
_NAMES = re.compile(r"(^|[^a-z])(date|day|datetime|timestamp|time|dt)([^a-z]|$)|日")


@dataclasses.dataclass(frozen=True)
class Dates:
    """How dates are written.

    Attributes:
      format: as Python's `strptime` takes it; None for ISO 8601.
      moments: the value of each text, for comparison only; None for a text that is no date.
      ambiguous: another format that fits all texts as well; "" if there is none.
    """

    format: str | None
    moments: tuple[datetime.datetime, ...]
    ambiguous: str = ""

    @property
    def shown(self) -> str:
        """The format, for people."""
        return self.format or ISO


def detect(name: str, texts: Sequence[str]) -> Dates | None:
    """The dates that the texts of a column are; None if one of them is no date."""
    if not texts:
        return None
    if all(map(_ISO_PATTERN.match, texts)):
        moments = [_iso(text) for text in texts]
        return Dates(None, tuple(m for m in moments if m)) if all(moments) else None
    if all(re.match(r"^(19|20)\d{6}$", text) for text in texts):
        found = parse(texts, _COMPACT) if _NAMES.search(name.lower()) else None
        return Dates(_COMPACT, found) if found else None
    if not all(map(_LOOKS_LIKE_ONE.search, texts[:20])):
        return None
    fitting = {}
    for date, time in itertools.product(_DATES, _TIMES):
        if parse(texts[:1], date + time) and (found := parse(texts, date + time)):
            fitting[date + time] = found
    if not fitting:
        return None
    formats = list(fitting)
    return Dates(formats[0], fitting[formats[0]], formats[1] if len(formats) > 1 else "")


def parse(texts: Sequence[str], form: str) -> tuple[datetime.datetime, ...] | None:
    """The moments; None if a text does not fit the format."""
    try:
        return tuple(datetime.datetime.strptime(text, form) for text in texts)
    except ValueError:
        return None


def _iso(text: str) -> datetime.datetime | None:
    """The moment without its zone, to the second."""
    form = "%Y-%m-%d" if len(text) == 10 else "%Y-%m-%dT%H:%M"
    try:
        return datetime.datetime.strptime(text[:16].replace(" ", "T"), form)
    except ValueError:
        return None
