"""What relates the rows of a table: duplicates, groups, time. It decides how rows are split."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfx_pipeline.profiling import dates
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.column_types import ColumnProfile, words
from tfx_pipeline.profiling.label_choice import LabelChoice

_SOMEBODY = {
    *("customer", "client", "user", "patient", "subject", "person", "member", "account"),
    *("household", "participant", "student", "employee", "visitor", "player", "driver"),
}
_KEYS = {"id", "no", "nr", "number", "key", "uuid", "code"}
_FEWEST_DIFFERENT = 100
_FEWEST_GROUPS = 20
_MOST_ALONE = 0.8
_LARGEST_GROUP = 0.2
_TIMES = {"date", "time", "timestamp", "datetime", "day", "month", "created", "when", "at"}
_BIRTHS = {"birth", "born", "dob", "birthday", "birthdate"}
_FEWEST_TIMES = 20
_SPLITS = (0.6, 0.8)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def duplicates(profiles: Sequence[ColumnProfile], label: LabelChoice) -> list[Choice]:
    """How many rows appear more than once."""
    rows = label.profile.values.rows
    hashes = np.zeros(rows, np.uint64)
    for place, profile in enumerate(profiles):
        factor = np.uint64(0x9E3779B97F4A7C15 * (2 * place + 3) & 0xFFFFFFFFFFFFFFFF)
        mixed = (profile.values.codes.astype(np.uint64) + np.uint64(1)) * factor
        hashes = (hashes ^ mixed ^ (mixed >> np.uint64(29))) * _MIX
    different = len(np.unique(hashes))
    again = rows - different
    if not again:
        return []
    what = f"{counted(again, 'row')} appear again" if again > 1 else "1 row appears again"
    many = again > rows / 20
    reason = "equal rows are in the same split, so the test is fair"
    if many and different < _FEWEST_DIFFERENT:
        reason = (
            f"only {different} rows are different, and equal rows are in the same split: a split "
            "may have no row or one class; add columns that tell rows apart"
        )
    return [Choice("duplicates", what, reason, level="warning" if many else "note")]


def group(profiles: Sequence[ColumnProfile], label: LabelChoice) -> tuple[str, str] | None:
    """The column that says to whom a row belongs, and why; None if each has one row."""
    for profile in profiles:
        if profile.name == label.name or profile.type not in ("text", "integer"):
            continue
        parts = words(profile.name)
        somebody = [word for word in parts if word in _SOMEBODY]
        is_key = bool(somebody) and set(parts) - set(somebody) <= _KEYS
        if not is_key or profile.distinct < _FEWEST_GROUPS:
            continue
        counts = profile.values.counts[~profile.missing]
        alone = profile.distinct / profile.present
        if alone <= _MOST_ALONE and counts.max() <= _LARGEST_GROUP * profile.present:
            mean = profile.present / profile.distinct
            return profile.name, f"{profile.distinct:,} values with {mean:.1f} rows each"
    return None


@dataclasses.dataclass(frozen=True)
class Time:
    """A column that says when a row happened.

    Attributes:
      column: its name.
      reason: why it decides the splits.
      periods: for each split, the earliest first, whether a row is in it.
    """

    column: str
    reason: str
    periods: tuple[np.ndarray, ...]


def time(profiles: Sequence[ColumnProfile], label: LabelChoice) -> Time | None:
    """The column that says when a row happened; None if there is none."""
    for profile in profiles:
        if profile.type != "datetime" or profile.name == label.name:
            continue
        parts = set(words(profile.name))
        if profile.distinct < _FEWEST_TIMES or parts & _BIRTHS:
            continue
        moments = _moments(profile)
        if moments is None:
            continue
        ordered = bool(np.all(np.diff(moments) >= 0))
        if not ordered and not parts & _TIMES:
            continue
        periods = _periods(moments)
        if not _can_be_learned(label, periods):
            continue
        why = "the rows are in its order" if ordered else "dates, by its name"
        reason = f"{why}; a model is used on later rows than it learned from"
        return Time(profile.name, reason, periods)
    return None


def _moments(profile: ColumnProfile) -> np.ndarray | None:
    """The rows' times as numbers; rows without one are first."""
    found = dates.detect(profile.name, profile.values.of(~profile.missing, profile.distinct))
    if found is None or len(found.moments) != profile.distinct:
        return None
    texts = profile.values.of(~profile.missing, profile.distinct)
    seconds = {t: (m - m.min).total_seconds() for t, m in zip(texts, found.moments)}
    of_codes = np.array([seconds.get(text, 0.0) for text in profile.values.texts.to_pylist()])
    return of_codes[profile.values.codes]


def _periods(moments: np.ndarray) -> tuple[np.ndarray, ...]:
    early, late = np.quantile(moments, _SPLITS)
    return moments <= early, (moments > early) & (moments <= late), moments > late


def _can_be_learned(label: LabelChoice, periods: Sequence[np.ndarray]) -> bool:
    """Whether each of the three parts of the time has rows, and all classes."""
    codes = label.profile.values.codes
    found = [set(np.unique(codes[part]).tolist()) for part in periods]
    if label.task == "regression":
        return all(found)
    wanted = set(np.flatnonzero(~label.profile.missing).tolist())
    return all(wanted <= part for part in found)
