"""The gate `bias`: the share and the labels of each group.

They are compared with those of the last blessed model's data, as the gate `drift` does with
its noise, and between the groups with the limits that the configuration gives.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx_pipeline.components.data_gate import noise
from tfx_pipeline.components.data_gate.column_comparison import percent
from tfx_pipeline.components.data_gate.comparison import (
    CHANGED,
    SAME,
    TOO_FEW,
    Check,
    of_shares,
)
from tfx_pipeline.components.data_gate.group_counts import MISSING, Group, Groups
from tfx_pipeline.config.label_classes import Value, class_id, quoted

SHARE, RATE, MEAN = "group share", "label rate", "mean label"
LEAST_SHARE, DIFFERENCE, RATIO = "least group share", "rate difference", "rate ratio"
MEANS = "mean difference"

LEAST_ROWS = 50
"""With fewer labels in a group, its labels say nothing; the share needs as many rows in all."""

Section = Mapping[str, Any]
"""The section `gates.bias`."""


@dataclasses.dataclass(frozen=True)
class Labels:
    """How the labels of a task are counted.

    Attributes:
      classes: those whose rates matter; of two classes only the positive one. Empty for numbers.
      ids: all classes.
    """

    classes: tuple[str, ...] = ()
    ids: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, names: Sequence[str], binary: bool) -> Labels:
        """Those of a label with these classes, the positive one last."""
        ids = {name: index for index, name in enumerate(names)}
        return cls(tuple(names[-1:] if binary else names), ids)

    def counts(self, group: Group) -> dict[str, int]:
        """The rows of each class in a group."""
        found: dict[int, int] = {}
        for value, rows in group.labels.items():
            number = self._id(value)
            found[number] = found.get(number, 0) + rows
        return {name: found.get(number, 0) for name, number in self.ids.items()}

    def _id(self, value: Value) -> int:
        return class_id(value, self.ids)


def checks(
    column: str, new: Groups, old: Groups | None, labels: Labels, section: Section
) -> Iterator[Check]:
    """The checks of one column with groups.

    Args:
      column: its name.
      new: the groups of this run's training split.
      old: those of the last blessed model's; None if there is none.
      labels: which labels count.
      section: the limits.
    """
    names = sorted({*new, *(old or ())}, key=lambda name: (name == MISSING, name))
    if old:
        yield from _since(column, names, new, old, labels, section)
    if section.get("min_share") is not None:
        total = _rows(new)
        for name in (name for name in names if name in new and name != MISSING):
            share, limit = new[name].rows / total, section["min_share"]
            found = f"{quoted(name)}: {percent(share)} of {total:,} rows"
            state = CHANGED if share < limit else SAME
            yield Check(column, LEAST_SHARE, state, "share", share, limit, 0.0, found, name)
    yield from _between(column, new, labels, section)


def _since(
    column: str, names: Sequence[str], new: Groups, old: Groups, labels: Labels, section: Section
) -> Iterator[Check]:
    """The groups against those of earlier data."""
    chance = noise.level(2 * len(names))
    totals = _rows(old), _rows(new)
    for name in names:
        before, after = old.get(name, Group()), new.get(name, Group())
        if min(totals) < LEAST_ROWS:
            yield _too_few(column, SHARE, name, totals, "rows")
            return
        # A group that is gone is a change, however small it was.
        limit = section["share"] if after.rows else 0.0
        rows = before.rows, after.rows
        share = of_shares(column, SHARE, rows, totals, limit, chance, quoted(name))
        yield dataclasses.replace(share, group=name)
        if name in new and name in old:
            check = _mean if not labels.ids else _rate
            yield check(column, name, before, after, labels, section, chance)


def _rate(
    column: str,
    name: str,
    before: Group,
    after: Group,
    labels: Labels,
    section: Section,
    chance: float,
) -> Check:
    """The class whose rate in a group has changed most."""
    old, new = labels.counts(before), labels.counts(after)
    totals = sum(old.values()), sum(new.values())
    if min(totals) < LEAST_ROWS:
        return _too_few(column, RATE, name, totals, "labels")
    limit, found = section["label_rate"], list[Check]()
    for label in labels.classes:
        rates = old[label] / totals[0], new[label] / totals[1]
        effect = abs(rates[1] - rates[0])
        each = chance / len(labels.classes)
        floor = noise.shares(*totals, old[label], new[label], each)
        state = CHANGED if effect > max(limit, floor) else SAME
        text = f"{quoted(label)} in {quoted(name)}: {percent(rates[0])} to {percent(rates[1])}"
        found.append(Check(column, RATE, state, "share", effect, limit, floor, text, name))
    return max(found, key=lambda check: (check.state == CHANGED, check.effect))


def _mean(
    column: str,
    name: str,
    before: Group,
    after: Group,
    labels: Labels,
    section: Section,
    chance: float,
) -> Check:
    """The mean label of a group, in standard deviations."""
    totals = before.numbers, after.numbers
    if min(totals) < LEAST_ROWS:
        return _too_few(column, MEAN, name, totals, "labels")
    deviation = max(_deviation(before), _deviation(after))
    apart = abs(after.mean - before.mean)
    floor = noise.means(deviation, *totals, chance)
    effect, floor = (apart / deviation, floor / deviation) if deviation else (0.0, 0.0)
    limit = section["label_mean"]
    state = CHANGED if effect > max(limit, floor) else SAME
    text = f"{quoted(name)}: {before.mean:.4g} to {after.mean:.4g}"
    return Check(column, MEAN, state, "standard deviations", effect, limit, floor, text, name)


def _between(column: str, new: Groups, labels: Labels, section: Section) -> Iterator[Check]:
    """The groups against each other, by the limits that are given."""
    wanted = {
        kind: section[key]
        for kind, key in (
            (DIFFERENCE, "max_rate_difference"),
            (RATIO, "min_rate_ratio"),
            (MEANS, "max_mean_difference"),
        )
        if section.get(key) is not None
    }
    if not wanted:
        return
    sizes = {n: sum(labels.counts(g).values()) if labels.ids else g.numbers for n, g in new.items()}
    names = [name for name in sorted(new) if sizes[name] >= LEAST_ROWS]
    for name in sorted(set(new) - set(names)):
        found = f"{quoted(name)}: {sizes[name]:,} labels; at least {LEAST_ROWS} are needed"
        for kind in wanted:
            yield Check(column, kind, TOO_FEW, "", 0.0, 0.0, 0.0, found, name)
    pairs = [*itertools.combinations(names, 2)]
    chance = noise.level(len(pairs) * max(len(labels.classes), 1))
    counts = {name: labels.counts(new[name]) for name in names}
    for kind, limit in wanted.items():
        made: list[Check] = []
        for pair in pairs:
            if kind == MEANS:
                made.append(_means(column, limit, new, pair, chance))
            else:
                made += _rates(column, kind, limit, counts, pair, labels.classes, chance)
        if made:
            sign = -1 if kind == RATIO else 1
            yield max(made, key=lambda check: (check.state == CHANGED, sign * check.effect))


def _rates(
    column: str,
    kind: str,
    limit: float,
    counts: Mapping[str, Mapping[str, int]],
    pair: tuple[str, str],
    classes: Sequence[str],
    chance: float,
) -> Iterator[Check]:
    """The difference or the ratio of two groups' rates, for each class."""
    first, second = (counts[name] for name in pair)
    totals = sum(first.values()), sum(second.values())
    for label in classes:
        rows = first[label], second[label]
        rates = rows[0] / totals[0], rows[1] / totals[1]
        low, high = (0, 1) if rates[0] <= rates[1] else (1, 0)
        apart = rates[high] - rates[low]
        floor = noise.shares(*totals, *rows, chance)
        effect, beyond = apart, apart > limit
        if kind == RATIO:
            effect = rates[low] / rates[high] if rates[high] else 1.0
            beyond = effect < limit
        text = (
            f"{quoted(label)} in {quoted(pair[low])} {percent(rates[low])}, "
            f"in {quoted(pair[high])} {percent(rates[high])}"
        )
        state = CHANGED if beyond and apart > floor else SAME
        measure = "ratio" if kind == RATIO else "share"
        yield Check(column, kind, state, measure, effect, limit, floor, text)


def _means(
    column: str, limit: float, groups: Groups, pair: tuple[str, str], chance: float
) -> Check:
    """The difference of two groups' mean labels, in the label's unit."""
    low, high = sorted(pair, key=lambda name: groups[name].mean)
    a, b = groups[low], groups[high]
    floor = noise.means(max(_deviation(a), _deviation(b)), a.numbers, b.numbers, chance)
    apart = b.mean - a.mean
    text = f"{quoted(low)} {a.mean:.4g}, {quoted(high)} {b.mean:.4g}"
    state = CHANGED if apart > max(limit, floor) else SAME
    return Check(column, MEANS, state, "difference", apart, limit, floor, text)


def _too_few(column: str, check: str, name: str, sizes: tuple[int, int], what: str) -> Check:
    found = (
        f"{quoted(name)}: {sizes[0]:,} and {sizes[1]:,} {what}; at least {LEAST_ROWS} are needed"
    )
    return Check(column, check, TOO_FEW, "", 0.0, 0.0, 0.0, found, name)


def _rows(groups: Groups) -> int:
    return sum(group.rows for group in groups.values())


def _deviation(group: Group) -> float:
    return math.sqrt(group.squares / group.numbers) if group.numbers else 0.0
