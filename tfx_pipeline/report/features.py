"""The columns of the data by split: numbers, drawings, and what is unusual about each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx_pipeline.config import default_treatments
from tfx_pipeline.report import distributions
from tfx_pipeline.report.distributions import Binned
from tfx_pipeline.report.run_facts import RunFacts

TRAIN = "train"
_TYPES = {0: "integer", 1: "number", 2: "text", 3: "bytes", 4: "struct"}
_BYTES = "bytes"
_TOP = 7
_DECILES = (1, 3, 7, 9)


@dataclasses.dataclass(frozen=True)
class SplitNumbers:
    """The numbers of one column in one split; None where there is none.

    Attributes:
      quantiles: at 10, 30, 70 and 90 %; empty where TFDV has none.
    """

    split: str
    rows: int
    present: int
    mean: float | None = None
    deviation: float | None = None
    minimum: float | None = None
    quantiles: tuple[float, ...] = ()
    median: float | None = None
    maximum: float | None = None
    zeros: int | None = None
    distinct: int | None = None
    length: float | None = None

    @property
    def missing(self) -> float:
        """The share of rows without a value."""
        return 1 - self.present / self.rows if self.rows else 0.0


@dataclasses.dataclass(frozen=True)
class TopValues:
    """The most frequent values of a column of texts.

    Attributes:
      values: the values, and the share of each in each split.
      others: the shares of all other values.
    """

    values: list[tuple[str, list[float]]]
    others: list[float]


@dataclasses.dataclass
class Feature:
    """One column.

    Attributes:
      use: what the model does with it: label, its treatment, or `not used`; empty if it is not
        known, because Transform has not run.
      unusual: what is unusual, as short texts.
      score: how unusual it is; the page is sorted by it.
    """

    name: str
    type: str
    use: str
    splits: list[SplitNumbers]
    binned: Binned | None = None
    top: TopValues | None = None
    unusual: list[str] = dataclasses.field(default_factory=list)
    score: float = 0.0

    def add(self, text: str, weight: float) -> None:
        """Notes something unusual."""
        self.unusual.append(text)
        self.score += weight

    @property
    def missing(self) -> float:
        """The largest share of missing values of a split."""
        return max((numbers.missing for numbers in self.splits), default=0.0)


Statistics = dict[str, Any]
"""TFDV's DatasetFeatureStatistics by split."""


def statistics(facts: RunFacts) -> Statistics:
    """The statistics of a run by split, train first; empty if there are none."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    artifact = facts.artifact("ExampleStatistics")
    if artifact is None:
        return {}
    result = {}
    for split in sorted(artifact.splits, key=lambda name: (name != TRAIN, name)):
        content = artifact.file(f"Split-{split}", "FeatureStats.pb")
        if content:
            parsed = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
            if parsed.datasets:
                result[split] = parsed.datasets[0]
    return result


def name_of(feature: Any) -> str:
    """A column's name in TFDV's statistics."""
    return str(feature.name or ".".join(feature.path.step))


def by_name(statistics_of_split: Any) -> dict[str, Any]:
    """TFDV's FeatureNameStatistics by column."""
    return {name_of(feature): feature for feature in statistics_of_split.features}


def features(
    datasets: Statistics, uses: Mapping[str, str], remarks: Mapping[str, list[str]]
) -> list[Feature]:
    """All columns, the most unusual first.

    Args:
      datasets: as from `statistics`.
      uses: what the model does with a column.
      remarks: anomalies and changes that the gates found, by column.
    """
    columns = {split: by_name(dataset) for split, dataset in datasets.items()}
    names = dict.fromkeys(name for of_split in columns.values() for name in of_split)
    unnamed = "not used" if set(uses.values()) - {"label"} else ""
    result = []
    for name in names:
        found = [columns[split].get(name) for split in datasets]
        rows = [int(dataset.num_examples) for dataset in datasets.values()]
        feature = feature_of(name, list(datasets), found, rows, uses.get(name, unnamed))
        for remark in remarks.get(name, []):
            feature.add(remark, 4.0)
        _judge(feature)
        result.append(feature)
    return sorted(result, key=lambda feature: -feature.score)


def feature_of(
    name: str, splits: list[str], found: Sequence[Any], rows: list[int], use: str = ""
) -> Feature:
    """A column from its statistics in each split; None where a split has none."""
    first = next(feature for feature in found if feature is not None)
    numbers = [
        _numbers(split, count, feature)
        for split, count, feature in zip(splits, rows, found, strict=True)
    ]
    result = Feature(name, _TYPES.get(first.type, "other"), use, numbers)
    if first.HasField("num_stats"):
        result.binned = distributions.binned(found)
    elif first.HasField("string_stats"):
        result.top = _top_values(found)
        if default_treatments.is_no_text(value for value, _ in result.top.values):
            # TFDV counts all bytes that are no text as one value.
            known = [dataclasses.replace(n, distinct=None) for n in numbers]
            return Feature(name, _BYTES, use, known)
    return result


def _numbers(split: str, rows: int, feature: Any) -> SplitNumbers:
    which = feature.WhichOneof("stats") if feature is not None else None
    if which is None:
        return SplitNumbers(split, rows, 0)
    stats = getattr(feature, which)
    present = int(stats.common_stats.num_non_missing)
    if which == "num_stats" and present:
        deciles = distributions.deciles(feature)
        return SplitNumbers(
            split,
            rows,
            present,
            mean=stats.mean,
            deviation=stats.std_dev,
            minimum=stats.min,
            quantiles=tuple(deciles[i] for i in _DECILES) if deciles else (),
            median=stats.median,
            maximum=stats.max,
            zeros=int(stats.num_zeros),
        )
    if which == "string_stats" and present:
        return SplitNumbers(
            split, rows, present, distinct=int(stats.unique), length=stats.avg_length
        )
    return SplitNumbers(split, rows, present)


def _top_values(found: Sequence[Any]) -> TopValues:
    counts = [
        {b.label: b.sample_count for b in f.string_stats.rank_histogram.buckets}
        if f is not None
        else {}
        for f in found
    ]
    totals = [
        float(f.string_stats.common_stats.tot_num_values) if f is not None else 0.0 for f in found
    ]
    largest: dict[str, float] = {}
    for of_split, total in zip(counts, totals, strict=True):
        for value, count in of_split.items():
            largest[value] = max(largest.get(value, 0.0), count / total if total else 0.0)
    chosen = sorted(largest, key=lambda value: -largest[value])[:_TOP]
    values = [
        (value, [c.get(value, 0) / t if t else 0.0 for c, t in zip(counts, totals, strict=True)])
        for value in chosen
    ]
    others = [
        max(0.0, 1 - sum(shares[i] for _, shares in values)) if totals[i] else 0.0
        for i in range(len(found))
    ]
    return TopValues(values, others)


def _judge(feature: Feature) -> None:
    present = sum(numbers.present for numbers in feature.splits)
    missing = feature.missing
    if not present:
        feature.add("empty", 3.0)
        return
    if missing >= 0.05:
        feature.add(f"{percent(missing)} missing", 2 * missing)
    filled = [n for n in feature.splits if n.present]
    if all(n.minimum is not None and n.minimum == n.maximum for n in filled) or all(
        n.distinct == 1 for n in filled
    ):
        feature.add("one value only", 1.5)
    zeros = max((n.zeros or 0) / n.present for n in filled)
    if zeros >= 0.5 and any((n.maximum or 0) > 1 for n in filled):
        feature.add(f"{percent(zeros)} zeros", zeros / 2)
    if any((n.distinct or 0) > 0.9 * n.present > 30 for n in filled):
        feature.add("almost every value is different", 1.0)
    far = max(map(_distance, filled))
    if far > 20:
        feature.add(f"a value {far:.0f} deviations from the mean", min(far / 50, 1.0))
    distance, split = split_difference(feature)
    if split:
        feature.add(
            f"{split} differs from {feature.splits[0].split} by {percent(distance)}", 3 * distance
        )


def _distance(numbers: SplitNumbers) -> float:
    """How many standard deviations the farthest value is from the mean."""
    if not numbers.deviation or numbers.mean is None:
        return 0.0
    ends = (numbers.minimum or 0.0, numbers.maximum or 0.0)
    far = max(abs(end - numbers.mean) for end in ends) / numbers.deviation
    return far if math.isfinite(far) else 0.0


def shares(feature: Feature) -> list[list[float]]:
    """The distribution of each split: bins, or the most frequent values and all others."""
    if feature.binned:
        return feature.binned.shares
    if feature.top:
        columns = [of_value for _, of_value in feature.top.values]
        return [
            [*(of_value[i] for of_value in columns), feature.top.others[i]]
            for i in range(len(feature.splits))
        ]
    return []


def split_difference(feature: Feature) -> tuple[float, str]:
    """The largest difference of a split from the first, and its name if that is not chance."""
    all_shares = shares(feature)
    largest, name = 0.0, ""
    for numbers, of_split in zip(feature.splits[1:], all_shares[1:], strict=False):
        if not of_split or not all_shares[0]:
            continue
        distance = distributions.total_variation(all_shares[0], of_split)
        rows = feature.splits[0].present, numbers.present
        if distance > largest and distributions.beyond_chance(distance, len(of_split), rows):
            largest, name = distance, numbers.split
    return largest, name


def percent(share: float) -> str:
    """A share for people."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share:.0%}".replace("%", " %")
