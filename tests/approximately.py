"""Comparing what two runs of Beam computed: the last bits depend on the order of merging."""

from __future__ import annotations

import math


def equal(one: object, other: object, *, relative: float = 1e-6, absolute: float = 1e-5) -> bool:
    """Whether nested dicts and sequences are equal, floats within the given differences."""
    if isinstance(one, dict) and isinstance(other, dict):
        one, other = sorted(one.items()), sorted(other.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(
            equal(a, b, relative=relative, absolute=absolute)
            for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, float) and isinstance(other, float):
        same = math.isclose(one, other, rel_tol=relative, abs_tol=absolute)
        return same or (math.isnan(one) and math.isnan(other))
    return one == other
