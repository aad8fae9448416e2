"""How the versions that shared some rows differ."""

from __future__ import annotations

import collections
import statistics
from collections.abc import Sequence

import numpy as np

from tfx_pipeline.serving.client.predictions import Predictions


class Comparison:
    """Adds up what each label's version answered."""

    def __init__(self) -> None:
        self._rows: collections.Counter[str] = collections.Counter()
        self._versions: dict[str, set[int]] = collections.defaultdict(set)
        self._sums: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        self._seconds: dict[str, list[float]] = collections.defaultdict(list)

    def add(self, answers: Predictions) -> None:
        """Counts some predictions in."""
        flat = answers.flat_rows()
        for label in dict.fromkeys(answers.labels):
            chosen = np.flatnonzero(answers.labels == label)
            self._rows[label] += len(chosen)
            self._versions[label] |= set(answers.versions[chosen].tolist()) - {0}
            self._seconds[label] += sorted(set(answers.seconds[chosen].tolist()))
            for number in chosen:
                numbers = {k: v for k, v in flat[number].items() if isinstance(v, (int, float))}
                self._sums[label].update(numbers)

    def header(self) -> list[str]:
        return ["label", "version", "rows", "share", *self._outputs(), "request p50"]

    def rows(self) -> list[list[str]]:
        """One for each label: version, rows, share, means of the outputs, time of a request."""
        total = sum(self._rows.values())
        return [
            [
                label or "(none)",
                ", ".join(map(str, sorted(self._versions[label]))) or "-",
                str(count),
                f"{100 * count / total:.1f} %",
                *self._means(label, count, [*self._sums[label]]),
                f"{1000 * statistics.median(self._seconds[label]):.1f} ms",
            ]
            for label, count in sorted(self._rows.items())
        ]

    def _outputs(self) -> list[str]:
        names = dict.fromkeys(name for sums in self._sums.values() for name in sums)
        return [f"mean {name}" for name in names]

    def _means(self, label: str, count: int, names: Sequence[str]) -> list[str]:
        return [f"{self._sums[label][name] / count:.4f}" for name in names]
