"""Compares two sets of rows by their statistics: what has changed, and by how much.

Each check has one of three states: `same`, `changed`, `too few rows`. A change is more than
the limit and more than chance: the noise is computed from both numbers of rows, and the
chance of a false alarm is shared by all checks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tfx_pipeline.components.data_gate import column_comparison, noise
from tfx_pipeline.components.data_gate.column_comparison import LEAST_ROWS, Difference, percent
from tfx_pipeline.errors import first_of

SAME, CHANGED, TOO_FEW = "same", "changed", "too few rows"
DISTRIBUTION, MISSING, NEW, GONE = "distribution", "missing values", "new values", "vanished values"
OUTSIDE, BALANCE, ROWS = "out of range", "label balance", "rows"

_CHECKS = 4  # of a column: distribution, missing, new and vanished values
_MOST_SHOWN = 3


@dataclasses.dataclass(frozen=True)
class Limits:
    """From where on a difference matters.

    Attributes:
      threshold: of the effect size of a column's values.
      share: of the shares of missing, new, vanished and out-of-range values, and of the label.
      rows: how many times as many or as few rows there may be; 0 for any number.
      features: other thresholds by column.
    """

    threshold: float = 0.1
    share: float = 0.05
    rows: float = 0.0
    features: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of one column.

    Attributes:
      feature: the column; empty for the rows as a whole.
      check: what was compared.
      state: same, changed or too few rows.
      measure: of the effect.
      effect: how large the difference is.
      limit: from where on it matters.
      noise: what it may be by chance.
      found: the difference in words.
      group: the group of rows, for the gate `bias`.
    """

    feature: str
    check: str
    state: str
    measure: str
    effect: float
    limit: float
    noise: float
    found: str
    group: str = ""


def compare(
    old: Any, new: Any, limits: Limits, label: str = "", ignored: Collection[str] = ()
) -> list[Check]:
    """The checks of all columns that both have.

    Args:
      old: the reference, a DatasetFeatureStatistics.
      new: what is compared with it.
      limits: from where on a difference matters.
      label: the label's column.
      ignored: columns that differ by their purpose.
    """
    before, after = _by_name(old), _by_name(new)
    names = [name for name in before if name in after and name not in ignored]
    chance = noise.level(len(names) * _CHECKS)
    rows = int(old.num_examples), int(new.num_examples)
    checks = [*_rows(*rows, limits)]
    for name in names:
        checks += _column(name, before[name], after[name], rows, limits, chance, name == label)
    return checks


def _by_name(statistics: Any) -> dict[str, Any]:
    return {f.name or ".".join(f.path.step): f for f in statistics.features}


def _rows(before: int, after: int, limits: Limits) -> Iterator[Check]:
    if limits.rows and before and after:
        times = max(before / after, after / before)
        state = CHANGED if times > limits.rows else SAME
        found = f"{before:,} to {after:,} rows"
        yield Check("", ROWS, state, "ratio", times, limits.rows, 0.0, found)


def _column(
    name: str,
    old: Any,
    new: Any,
    rows: tuple[int, int],
    limits: Limits,
    chance: float,
    is_label: bool,
) -> Iterator[Check]:
    present = column_comparison.present(old), column_comparison.present(new)
    if min(rows) < LEAST_ROWS:
        found = f"{rows[0]:,} and {rows[1]:,} rows; at least {LEAST_ROWS} are needed"
        yield Check(name, DISTRIBUTION, TOO_FEW, "", 0.0, 0.0, 0.0, found)
        return
    missing = rows[0] - present[0], rows[1] - present[1]
    yield of_shares(name, MISSING, missing, rows, limits.share, chance)
    if min(present) < LEAST_ROWS:
        found = f"{present[0]:,} and {present[1]:,} values; at least {LEAST_ROWS} are needed"
        yield Check(name, DISTRIBUTION, TOO_FEW, "", 0.0, 0.0, 0.0, found)
        return
    threshold = limits.features.get(name, limits.threshold)
    check = DISTRIBUTION
    if is_label:
        check, threshold = BALANCE, limits.features.get(name, limits.share)
    values = column_comparison.categories(old), column_comparison.categories(new)
    if values[0] is not None and values[1] is not None:
        difference = column_comparison.of_categories(values[0], values[1], present, chance)
        yield _of(name, check, difference, threshold)
        if column_comparison.listed_fully(old) and column_comparison.listed_fully(new):
            yield _new(name, values[0], values[1], present, limits.share, chance)
            yield _gone(name, values[0], values[1], present, limits.share, chance)
    elif old.HasField("num_stats") and new.HasField("num_stats"):
        yield _of(name, check, column_comparison.of_numbers(old, new, chance, threshold), threshold)
        share = column_comparison.outside(old, new)
        found = f"at least {percent(share)} beyond {old.num_stats.min:g} to {old.num_stats.max:g}"
        state = CHANGED if share > limits.share else SAME
        yield Check(name, OUTSIDE, state, "share", share, limits.share, 0.0, found)


def _of(name: str, check: str, difference: Difference, threshold: float) -> Check:
    changed = difference.proven and difference.effect > threshold
    state = CHANGED if changed else SAME
    numbers = difference.measure, difference.effect, threshold, difference.noise
    return Check(name, check, state, *numbers, difference.found)


def of_shares(
    name: str,
    check: str,
    counts: tuple[float, float],
    rows: tuple[int, int],
    limit: float,
    chance: float,
    found: str = "",
) -> Check:
    """A share of the rows, before and after.

    Args:
      name, check: the column, and what is compared.
      counts: the rows that have it.
      rows: all rows.
      limit: from where on a difference matters.
      chance: of a false alarm.
      found: what it is the share of; empty if the check says it.
    """
    shares = counts[0] / rows[0], counts[1] / rows[1]
    effect = abs(shares[1] - shares[0])
    floor = noise.shares(*rows, *counts, chance)
    state = CHANGED if effect > max(limit, floor) else SAME
    text = f"{percent(shares[0])} to {percent(shares[1])} of the rows"
    text = f"{found}: {text}" if found else text
    return Check(name, check, state, "share", effect, limit, floor, text)


def _new(
    name: str,
    old: Mapping[str, float],
    new: Mapping[str, float],
    rows: tuple[int, int],
    limit: float,
    chance: float,
) -> Check:
    """Values that the reference does not have.

    Of the same data some are new as well: about as many as come once in the reference.
    """
    values = {v: n for v, n in new.items() if v not in old}
    once = sum(n for n in old.values() if n <= 1)
    expected = once / rows[0] * rows[1]
    counts = once, max(sum(values.values()) - expected, 0) + once / rows[0] * rows[1]
    check = of_shares(name, NEW, counts, rows, limit, chance, _shown(values))
    return dataclasses.replace(
        check, found=f"{_shown(values)}: {percent(sum(values.values()) / rows[1])} of the rows"
    )


def _gone(
    name: str,
    old: Mapping[str, float],
    new: Mapping[str, float],
    rows: tuple[int, int],
    limit: float,
    chance: float,
) -> Check:
    """Values that only the reference has; each of them must be more than chance."""
    del limit  # a value that should be there and is not is a change, however rare
    each = chance / max(len(old), 1)
    gone = {
        value: count
        for value, count in old.items()
        if value not in new and count / rows[0] > noise.shares(*rows, count, 0, each)
    }
    share = sum(gone.values()) / rows[0]
    state = CHANGED if gone else SAME
    found = f"{_shown(gone)}: {percent(share)} of the earlier rows"
    return Check(name, GONE, state, "share", share, 0.0, 0.0, found)


def _shown(values: Mapping[str, float]) -> str:
    names = sorted(values, key=lambda v: (-values[v], v))
    return first_of([repr(name) for name in names], _MOST_SHOWN) or "none"
