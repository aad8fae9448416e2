"""How large a difference two samples of the same data show by chance."""

from __future__ import annotations

import math
from statistics import NormalDist

LEVEL = 0.001
"""The chance of a false alarm in one comparison of two sets of rows, over all its checks."""


def level(checks: int) -> float:
    """The chance that each of so many checks may have."""
    return LEVEL / max(checks, 1)


def chi_squared(degrees: int, chance: float) -> float:
    """The value that chi-squared exceeds with this chance (Wilson and Hilferty)."""
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + NormalDist().inv_cdf(1 - chance) * spread**0.5) ** 3)


def population_stability(bins: int, rows: float, others: float, chance: float) -> float:
    """The PSI of two samples that is exceeded with this chance.

    PSI * n * m / (n + m) is about chi-squared with bins - 1 degrees of freedom.
    """
    return chi_squared(max(bins - 1, 1), chance) * (rows + others) / (rows * others)


def distance(rows: float, others: float, chance: float) -> float:
    """The largest difference of two distribution functions (Kolmogorov and Smirnov)."""
    return math.sqrt(-math.log(chance / 2) / 2 * (rows + others) / (rows * others))


def means(deviation: float, rows: float, others: float, chance: float) -> float:
    """The difference of two means.

    Args:
      deviation: of the values, the larger of the two samples'.
      rows, others: the sizes of the samples.
      chance: of a larger difference.
    """
    return NormalDist().inv_cdf(1 - chance / 2) * deviation * math.sqrt(1 / rows + 1 / others)


def shares(rows: float, others: float, in_rows: float, in_others: float, chance: float) -> float:
    """The difference of two shares, of which the larger is at least a row.

    Args:
      rows, others: the sizes of the samples.
      in_rows, in_others: how many rows of each have what is counted.
      chance: of a larger difference.
    """
    # One row more on each side: small counts are not normal.
    share = (in_rows + in_others + 2) / (rows + others + 4)
    return means(math.sqrt(share * (1 - share)), rows, others, chance) + 1 / rows + 1 / others
