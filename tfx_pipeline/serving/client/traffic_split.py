"""Which rows the canary receives: a fixed share of them, always the same rows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.client.table import Table

STABLE, CANARY = "stable", "canary"
"""The labels that `promote` and `canary` set."""

_BUCKETS = 100_000


@dataclasses.dataclass(frozen=True)
class Split:
    """Sends a percentage of the rows to one label and the rest to another.

    A hash of the row's key decides, so a customer, for example, is served by the same
    version whichever client sends the request. When the percentage grows, rows only
    move from stable to canary.

    Attributes:
      percent: the canary's percentage of the rows.
      key: the column to hash; if None, all columns of the row together.
      canary, stable: the two labels.

    Raises:
      ConfigError: the percentage is not between 0 and 100.
    """

    percent: float
    key: str | None = None
    canary: str = CANARY
    stable: str = STABLE

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ConfigError(f"percent must be from 0 to 100, found {self.percent:g}")

    def labels(self, table: Table) -> list[str]:
        """Returns the label that each row is sent to.

        Raises:
          ConfigError: the table has no column for the key.
        """
        if self.key is not None and self.key not in table.columns:
            hint = did_you_mean(self.key, table.columns)
            raise ConfigError(Problem("key", f"the rows have no column {self.key!r}", hint))
        names = [self.key] if self.key is not None else sorted(table.columns)
        columns = [table.columns[name] for name in names]
        return [self.label(values) for values in zip(*columns)] if columns else []

    def label(self, values: Sequence[Any]) -> str:
        """Returns the label for the values of a key."""
        text = "\x1f".join("" if value is None else str(value) for value in values)
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        bucket = int.from_bytes(digest[:8], "big") % _BUCKETS
        return self.canary if bucket < self.percent / 100 * _BUCKETS else self.stable
