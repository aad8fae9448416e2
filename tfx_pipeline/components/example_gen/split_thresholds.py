"""Divides values in order by shares, with bounded memory: two passes over the data."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

MOST = 1 << 16
"""Up to so many different values are counted one by one."""


@dataclasses.dataclass
class Counts:
    """How often each value comes, in order.

    With more than `most` different values, neighbours are counted together, under the one in
    the middle. Then the shares are met within about 5 / `most`.

    Attributes:
      most: how many values are kept.
    """

    most: int = MOST
    values: np.ndarray | None = None
    counts: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, values: np.ndarray, counts: np.ndarray | None = None) -> None:
        """Counts more values.

        Args:
          values: [n], all of one type.
          counts: [n], how often each comes; absent: once.
        """
        if not len(values):
            return
        counts = np.ones(len(values), np.int64) if counts is None else counts
        if self.values is not None:
            values = np.concatenate([self.values, values])
            counts = np.concatenate([self.counts, counts])
        self.values, places = np.unique(values, return_inverse=True)
        self.counts = np.bincount(places, weights=counts).astype(np.int64)
        if len(self.values) > self.most:
            self.values, self.counts = self._merged_neighbours(self.values)

    def _merged_neighbours(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        below = np.cumsum(self.counts)
        group = (below - 1) * (self.most // 2) // below[-1]
        last = np.flatnonzero(np.append(np.diff(group) != 0, True))
        counts = np.diff(below[last], prepend=0)
        # The middle one: as many rows move up as down.
        return values[np.searchsorted(below, below[last] - counts // 2)], counts

    def thresholds(self, shares: Sequence[int]) -> list[Any]:
        """The largest value of each part but the last; None for a part without values.

        Each part gets a value if there are enough different ones.

        Args:
          shares: the sizes of the parts, in proportion.
        """
        parts = len(shares)
        if self.values is None:
            return [None] * (parts - 1)
        below = np.concatenate([[0], np.cumsum(self.counts)])
        bounds = list(itertools.accumulate(shares))
        cuts: list[int] = []
        for number, bound in enumerate(bounds[:-1], 1):
            # In integers: bound / bounds[-1] of all rows.
            cut = int(np.argmin(np.abs(below * bounds[-1] - int(below[-1]) * bound)))
            before = cuts[-1] if cuts else 0
            if len(self.values) >= parts:
                cut = min(max(cut, before + 1), len(self.values) - (parts - number))
            cuts.append(max(cut, before))
        return [self.values[cut - 1] if cut else None for cut in cuts]


def merged(counts: Iterable[Counts]) -> Counts:
    """The counts of all together."""
    result: Counts | None = None
    for one in counts:
        result = result or Counts(one.most)
        if one.values is not None:
            result.add(one.values, one.counts)
    return result or Counts()


def parts(values: np.ndarray, thresholds: Iterable[Any]) -> np.ndarray:
    """The index of each value's part, from 0."""
    result = np.zeros(len(values), np.int64)
    for threshold in thresholds:
        result += 1 if threshold is None else (values > threshold).astype(np.int64)
    return result
