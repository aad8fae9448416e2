"""Which rows the canary gets: a share of them, the same ones each time."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean
from tfx_pipeline.serving.client.rows import Table

if TYPE_CHECKING:
    from tfx_pipeline.serving.rollout.traffic_state import Traffic

STABLE, CANARY = "stable", "canary"
"""The labels that `promote` and `canary` set."""

_BUCKETS = 100_000


@dataclasses.dataclass(frozen=True)
class Split:
    """Sends a percentage of rows to one label and the rest to another.

    A row's side hangs on a hash of its key, so the same customer, or taxi, sees
    the same version from every client; with a larger percentage none of them moves
    back.

    Attributes:
      percent: of the rows, to the canary.
      key: the column that decides; absent, all columns of the row together.
    """

    percent: float
    key: str | None = None
    canary: str = CANARY
    stable: str = STABLE

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ConfigError(f"percent must be from 0 to 100, found {self.percent:g}")

    @classmethod
    def of(cls, traffic: Traffic, key: str | None = None) -> Split:
        """As `tfx-pipeline canary` has set it."""
        has_canary = CANARY in traffic.state.labels
        return cls(traffic.state.canary_percent if has_canary else 0, key)

    def labels(self, table: Table) -> list[str]:
        """The label that each row goes to.

        Raises:
          ConfigError: the table has no such key.
        """
        if self.key is not None and self.key not in table.columns:
            hint = did_you_mean(self.key, table.columns)
            raise ConfigError(Problem("key", f"the rows have no column {self.key!r}", hint))
        names = [self.key] if self.key is not None else sorted(table.columns)
        columns = [table.columns[name] for name in names]
        return [self.label(values) for values in zip(*columns)] if columns else []

    def label(self, values: Sequence[Any]) -> str:
        """The label that a key goes to."""
        text = "\x1f".join("" if value is None else str(value) for value in values)
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        bucket = int.from_bytes(digest[:8], "big") % _BUCKETS
        return self.canary if bucket < self.percent / 100 * _BUCKETS else self.stable
