"""A decision of `init`, as it is printed."""

from __future__ import annotations

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was decided, and why.

    Attributes:
      subject: a key of the configuration such as `data.encoding`, or a column's name.
      decision: the value, or what is done with the column.
      reason: why, in a few words.
      level: `note` for a decision, `warning` for what a person should look at.
    """

    subject: str
    decision: str
    reason: str
    level: Literal["note", "warning"] = "note"


def counted(count: int, one: str, several: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
