"""How the predictions of the versions that shared some rows differ."""

from __future__ import annotations

import collections
import statistics

import numpy as np

from tfx_pipeline.serving.client.predictions import Predictions


class Comparison:
    """Sums up predictions by label."""

    def __init__(self) -> None:
        self._rows: collections.Counter[str] = collections.Counter()
        self._versions: dict[str, set[int]] = collections.defaultdict(set)
        self._sums: dict[str, collections.Counter[str]] = collections.defaultdict(
            collections.Counter
        )
        self._seconds: dict[str, list[float]] = collections.defaultdict(list)

    def add(self, predictions: Predictions) -> None:
        """Adds predictions."""
        flat = predictions.flat_rows()
        for label in dict.fromkeys(predictions.labels):
            chosen = np.flatnonzero(predictions.labels == label)
            self._rows[label] += len(chosen)
            self._versions[label] |= set(predictions.versions[chosen].tolist()) - {0}
            self._seconds[label] += sorted(set(predictions.seconds[chosen].tolist()))
            for number in chosen:
                numbers = {k: v for k, v in flat[number].items() if isinstance(v, (int, float))}
                self._sums[label].update(numbers)

    def header(self) -> list[str]:
        """Returns the names of the columns of `rows`."""
        outputs = dict.fromkeys(name for sums in self._sums.values() for name in sums)
        means = [f"mean {name}" for name in outputs]
        return ["label", "version", "rows", "share", *means, "request p50"]

    def rows(self) -> list[list[str]]:
        """Returns a row for each label: version, rows, share, mean outputs, request time."""
        total = sum(self._rows.values())
        return [
            [
                label or "(none)",
                ", ".join(map(str, sorted(self._versions[label]))) or "-",
                str(count),
                f"{100 * count / total:.1f} %",
                *(f"{total_output / count:.4f}" for total_output in self._sums[label].values()),
                f"{1000 * statistics.median(self._seconds[label]):.1f} ms",
            ]
            for label, count in sorted(self._rows.items())
        ]
