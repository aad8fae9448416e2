"""From the section `tuning.space` to Optuna's distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tfx_pipeline.config.tuning import PARAMETERS, Choices, Range, Value


def distributions(space: Mapping[str, Range | Choices]) -> dict[str, BaseDistribution]:
    """What Optuna draws from, by parameter."""
    return {name: _distribution(name, wanted) for name, wanted in space.items()}


def _distribution(name: str, wanted: Range | Choices) -> BaseDistribution:
    if not isinstance(wanted, Range):
        return CategoricalDistribution(wanted)
    if PARAMETERS[name].kind == "int":
        step = int(wanted.step or 1)
        return IntDistribution(int(wanted.min), int(wanted.max), log=wanted.log, step=step)
    return FloatDistribution(wanted.min, wanted.max, log=wanted.log, step=wanted.step)


def within(space: Mapping[str, Range | Choices], values: Mapping[str, Value]) -> dict[str, Value]:
    """Those of the values that are points of the space."""
    return {
        name: values[name]
        for name, wanted in space.items()
        if name in values and _has(wanted, values[name])
    }


def _has(wanted: Range | Choices, value: Value) -> bool:
    if not isinstance(wanted, Range):
        return value in wanted
    if isinstance(value, str) or not wanted.min <= value <= wanted.max:
        return False
    steps = (value - wanted.min) / wanted.step if wanted.step else 0.0
    return math.isclose(steps, round(steps), abs_tol=1e-9)
