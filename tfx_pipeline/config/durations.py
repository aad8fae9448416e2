"""Durations as a configuration writes them: a whole number and one of s, m, h, d."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

_DURATION = re.compile(r"(\d+)([smhd])")
_RULE = "must be a duration such as 30s, 5m, 2h or 1d"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str) -> int:
    """A duration such as `90s`, `10m`, `2h` or `1d` in seconds.

    Raises:
      ValueError: it is not written like that.
    """
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"{_RULE}, found {duration!r}")
    return int(match[1]) * _SECONDS[match[2]]


def to_timedelta(duration: str) -> datetime.timedelta:
    """The same as a timedelta."""
    return datetime.timedelta(seconds=seconds(duration))


def _checked(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"{_RULE}, found {value!r}")
    seconds(value)
    return value


def _positive(value: str) -> str:
    if not seconds(value):
        raise ValueError(f"must be a duration above 0, found {value!r}")
    return value


Duration = Annotated[str, BeforeValidator(_checked)]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
