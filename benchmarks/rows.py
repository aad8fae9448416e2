"""More taxi rows than there are: the real ones again and again, with seeded jitter.

Distances, durations, money and places move by a few percent, so that values do not
simply repeat; fare and tips move together, so that the label stays right.
"""

from __future__ import annotations

import pathlib

import numpy as np
import pandas as pd

TEXTS = ("company", "payment_type")
_TOGETHER = ("fare", "tips")
_BY_FACTOR = ("trip_miles", "trip_seconds")
_PLACES = ("pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude")
_WHOLE = ("trip_seconds", "trip_start_timestamp")
_FACTOR, _DEGREES, _SECONDS = 0.03, 0.002, 1800


def write(source: pathlib.Path, target: pathlib.Path, rows: int, seed: int = 1) -> None:
    """Writes `rows` rows as CSV with the columns of `source`; the first ones are the real ones."""
    # Whole numbers with gaps must not become 8.0: the schema says INT.
    real = pd.read_csv(source, dtype=dict.fromkeys(integers(source), "Int64"))
    target.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    written = 0
    while written < rows:
        copy = real if written == 0 else jittered(real, generator)
        copy = copy.head(rows - written)
        copy.to_csv(target, mode="a" if written else "w", header=not written, index=False)
        written += len(copy)


def integers(source: pathlib.Path) -> list[str]:
    """The columns of whole numbers."""
    columns = pd.read_csv(source, nrows=0).columns
    others = {"fare", "tips", "trip_miles", *_PLACES, *TEXTS}
    return [column for column in columns if column not in others]


def jittered(real: pd.DataFrame, generator: np.random.Generator) -> pd.DataFrame:
    """A copy of `real` in which numbers that were measured have moved a little."""
    copy = real.copy()
    together = 1 + generator.uniform(-_FACTOR, _FACTOR, len(real))
    for column in _TOGETHER:
        copy[column] = copy[column] * together
    for column in _BY_FACTOR:
        copy[column] = copy[column] * (1 + generator.uniform(-_FACTOR, _FACTOR, len(real)))
    for column in _PLACES:
        copy[column] = copy[column] + generator.uniform(-_DEGREES, _DEGREES, len(real))
    moved = generator.integers(-_SECONDS, _SECONDS, len(real))
    copy["trip_start_timestamp"] = copy["trip_start_timestamp"] + moved
    for column in _WHOLE:
        copy[column] = copy[column].round().astype("Int64")
    return copy.round({"fare": 2, "tips": 2, "trip_miles": 2} | dict.fromkeys(_PLACES, 9))
