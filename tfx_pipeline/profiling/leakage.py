"""Finds columns that tell the label before it is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tfx_pipeline.profiling.choice import Choice
from tfx_pipeline.profiling.column_types import ColumnProfile, words
from tfx_pipeline.profiling.label_choice import LabelChoice

_FEWEST_ROWS = 100
_MOST_ROWS = 200_000
_MOST_BINS = 200
_ROWS_IN_BIN = 5
_CERTAIN = {"classes": 0.99, "numbers": 0.998}
_STRONG = 0.9
_SUFFIXES = {
    *("id", "code", "name", "text", "desc", "description", "label", "class", "category"),
    *("flag", "bool", "binary", "encoded", "num", "numeric", "log", "group", "band", "str"),
}


@dataclasses.dataclass(frozen=True)
class Leak:
    """A column that should not be a feature, and why."""

    name: str
    reason: str


def find(label: LabelChoice, others: Sequence[ColumnProfile]) -> tuple[list[Leak], list[Choice]]:
    """Finds the columns that leak the label.

    A column leaks if it alone predicts the label almost perfectly on held-out rows, or if its
    name is the label's with a word such as `code` and it predicts it well.

    Returns:
      The leaking columns, and warnings about columns that are only near to it.
    """
    target, rows = _target(label)
    if len(rows) < _FEWEST_ROWS:
        return [], []
    order = np.random.default_rng(1).permutation(len(rows))[:_MOST_ROWS]
    target, rows = target[order], rows[order]
    half = len(rows) // 2
    leaks, warnings = [], []
    for profile in others:
        if profile.type == "empty" or profile.distinct < 2:
            continue
        skill, how = max(_skills(label, target, profile, rows, half), default=(0.0, ""))
        named = _named_like(profile.name, label.name)
        certain = _CERTAIN["numbers" if label.task == "regression" else "classes"]
        if skill >= certain:
            leaks.append(Leak(profile.name, f"leakage: alone it predicts the label, {how}"))
        elif named and skill >= _STRONG:
            reason = f"leakage: named like the label, and predicts it alone, {how}"
            leaks.append(Leak(profile.name, reason))
        elif named:
            reason = "is named like the label; is it known before the label is?"
            warnings.append(Choice(profile.name, "kept", reason, level="warning"))
        elif skill >= 0.98:
            reason = f"alone it predicts the label, {how}; is it known before the label is?"
            warnings.append(Choice(profile.name, "kept", reason, level="warning"))
    return leaks, warnings


def _target(label: LabelChoice) -> tuple[np.ndarray, np.ndarray]:
    """The label as class ids or numbers, and the rows that have it."""
    profile = label.profile
    rows = np.flatnonzero(~profile.missing_rows)
    codes = profile.values.codes[rows]
    if label.task == "regression":
        assert profile.numbers is not None  # noqa: S101 - a regression's label is a number
        return profile.numbers[codes], rows
    return codes, rows


def _skills(
    label: LabelChoice, target: np.ndarray, profile: ColumnProfile, rows: np.ndarray, half: int
) -> Iterator[tuple[float, str]]:
    """The skill on the second half of the rows of what is learned from the first half."""
    bins = _bins(profile, rows, half)
    fit, test = slice(None, half), slice(half, None)
    if label.task != "regression":
        table = np.zeros((bins.max() + 1, target.max() + 1), np.int32)
        if table.size > 50_000_000:
            return
        np.add.at(table, (bins[fit], target[fit]), 1)
        usual = table.sum(axis=0).argmax()
        guess = np.where(table.sum(axis=1) > 0, table.argmax(axis=1), usual)
        right = (guess[bins[test]] == target[test]).mean()
        base = (target[test] == usual).mean()
        if base < 1:
            yield (right - base) / (1 - base), f"right in {right:.1%} of held-out rows"
        return
    counts = np.bincount(bins[fit], minlength=bins.max() + 1)
    sums = np.bincount(bins[fit], target[fit], minlength=bins.max() + 1)
    mean = target[fit].mean()
    means = np.where(counts > 0, sums / np.maximum(counts, 1), mean)
    yield _explained(target[test], means[bins[test]])
    if profile.numbers is not None:
        numbers = profile.numbers[profile.values.codes[rows]]
        known = numbers[~np.isnan(numbers)]
        numbers = np.where(np.isnan(numbers), known.mean() if len(known) else 0.0, numbers)
        if numbers[fit].std() > 0:
            slope, start = np.polyfit(numbers[fit], target[fit], 1)
            yield _explained(target[test], slope * numbers[test] + start)


def _explained(target: np.ndarray, predicted: np.ndarray) -> tuple[float, str]:
    spread = ((target - target.mean()) ** 2).sum()
    if not spread:
        return 0.0, ""
    r_squared = float(1 - ((target - predicted) ** 2).sum() / spread)
    return r_squared, f"R2 {r_squared:.4f} on held-out rows"


def _bins(profile: ColumnProfile, rows: np.ndarray, half: int) -> np.ndarray:
    """A column's values in bins: each value one, or ranges if there are many numbers."""
    codes = profile.values.codes[rows]
    most = max(2, min(_MOST_BINS, half // _ROWS_IN_BIN))
    if profile.numbers is None or profile.distinct <= most:
        return codes
    numbers = profile.numbers[codes]
    known = numbers[:half][~np.isnan(numbers[:half])]
    edges = np.zeros(0)
    if len(known):
        edges = np.unique(np.quantile(known, np.linspace(0, 1, most + 1)[1:-1]))
    return np.where(np.isnan(numbers), 0, np.searchsorted(edges, numbers, side="right") + 1)


def _named_like(name: str, label: str) -> bool:
    """Whether a name is the label's with a word that says that it is another form of it."""
    own, of_label = words(name), words(label)
    rest = [word for word in own if word not in of_label]
    return bool(rest) and set(of_label) <= set(own) and set(rest) <= _SUFFIXES
