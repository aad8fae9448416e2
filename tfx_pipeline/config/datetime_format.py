"""How dates and times are written: formats of `strptime` as regular expressions, and time zones."""

from __future__ import annotations

import bisect
import dataclasses
import datetime
import functools
import re
import zoneinfo

ISO = ""
"""Stands for ISO 8601, and for what people write instead of it; see `Pattern.iso`."""

_NUMBER = r"\d{1,2}"
_OFFSET = r"Z|z|[+-]\d{2}:?\d{2}|[+-]\d{2}"
_DIRECTIVES = {
    "Y": ("year", r"\d{4}"),
    "y": ("short_year", r"\d{2}"),
    "m": ("month", _NUMBER),
    "b": ("month_name", r"\pL+\.?"),
    "B": ("month_name", r"\pL+\.?"),
    "d": ("day", _NUMBER),
    "H": ("hour", _NUMBER),
    "I": ("hour", _NUMBER),
    "p": ("half", r"[AaPp]\.?[Mm]\.?"),
    "M": ("minute", _NUMBER),
    "S": ("second", _NUMBER),
    "f": ("", r"\d{1,9}"),
    "z": ("offset", _OFFSET),
    "a": ("", r"\pL+\.?"),
    "A": ("", r"\pL+\.?"),
}
_ISO_DATE = (("year", r"\d{4}"), r"[-/.]", ("month", _NUMBER), r"(?:[-/.]", ("day", _NUMBER), ")?")
_ISO_TIME = (
    r"(?:[T ]\s*", ("hour", _NUMBER), ":", ("minute", r"\d{2}"), "(?::", ("second", r"\d{2}"),
    r"(?:[.,]\d+)?)?\s*", "(?:", ("offset", _OFFSET), ")?)?",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Pattern:
    """A format as parts of a regular expression in RE2's syntax.

    Attributes:
      parts: expressions, and pairs of a field's name and its expression.
    """

    parts: tuple[str | tuple[str, str], ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a value: year, short_year, month, month_name, day, hour and so on."""
        return tuple(part[0] for part in self.parts if isinstance(part, tuple) and part[0])

    def expression(self, field: str = "") -> str:
        r"""The expression of a whole value, in which `\1` is a field."""
        texts = []
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
            else:
                texts.append(f"({part[1]})" if part[0] and part[0] == field else f"(?:{part[1]})")
        return rf"\s*{''.join(texts)}\s*"

    def matches(self, text: str) -> bool:
        """Whether a text has the form; the date may still not exist."""
        # Python's expressions have no classes of Unicode such as \pL.
        return bool(re.fullmatch(self.expression().replace(r"\pL", r"[^\W\d_]"), text))


@functools.cache
def pattern(text: str) -> Pattern:
    """The pattern of a format as `strptime` takes it, or of `ISO`.

    Raises:
      ValueError: the format has a directive that is not supported, has one twice, or no date.
    """
    if text == ISO:
        return Pattern((*_ISO_DATE, *_ISO_TIME))
    parts: list[str | tuple[str, str]] = []
    for directive, blanks, literal in re.findall(r"%(.?)|(\s+)|([^%\s]+)", text, re.DOTALL):
        if blanks:
            parts.append(r"\s+")
        elif literal:
            parts.append(re.escape(literal))
        elif directive == "%":
            parts.append("%")
        elif directive in _DIRECTIVES:
            parts.append(_DIRECTIVES[directive])
        else:
            known = ", ".join(f"%{name}" for name in _DIRECTIVES)
            raise ValueError(f"has %{directive}, which is not one of {known}")
    found = Pattern(tuple(parts))
    repeated = [field for field in found.fields if found.fields.count(field) > 1]
    if repeated:
        raise ValueError(f"has the {repeated[0].replace('_', ' ')} twice")
    if not {"year", "short_year"} & set(found.fields):
        raise ValueError("has no year: %Y or %y")
    if not {"month", "month_name"} & set(found.fields):
        raise ValueError("has no month: %m, %b or %B")
    return found


@dataclasses.dataclass(frozen=True)
class Offsets:
    """The offsets of a time zone from UTC, in seconds.

    Attributes:
      starts: seconds since 1970 in UTC at which an offset begins to hold, but for the first.
      offsets: the offsets in this order, one more than `starts`.
    """

    starts: tuple[int, ...]
    offsets: tuple[int, ...]


_DAY = 86_400
_YEARS = (1900, 2100)


@functools.cache
def offsets(zone: str) -> Offsets:
    """The offsets of a time zone from 1900 to 2100.

    Raises:
      ValueError: there is no such zone.
    """
    try:
        info = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{zone!r} is no time zone such as Asia/Tokyo or Europe/Berlin") from None
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

    def at(second: int) -> int:
        moment = (epoch + datetime.timedelta(seconds=second)).astimezone(info)
        return int((moment.utcoffset() or datetime.timedelta()).total_seconds())

    first, last = (int((epoch.replace(year=year) - epoch).total_seconds()) for year in _YEARS)
    starts, found = [], [at(first)]
    for day in range(first, last, 7 * _DAY):
        if at(day + 7 * _DAY) != found[-1]:
            seconds = range(day, day + 7 * _DAY)
            start = bisect.bisect_left(seconds, True, key=lambda s: at(s) != found[-1])
            starts.append(seconds[start] if start < len(seconds) else day + 7 * _DAY)
            found.append(at(day + 7 * _DAY))
    return Offsets(tuple(starts), tuple(found))
