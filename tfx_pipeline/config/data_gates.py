"""`schema:` and `gates:`, what the rows must match."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import Field

from tfx_pipeline.config.base import Section

Action = Literal["warn", "fail"]
Share = Annotated[float, Field(ge=0, le=1)]
Effect = Annotated[float, Field(ge=0)]


class SchemaSource(Section):
    """The curated schema; without a path the inferred one is used."""

    path: str | None = None
    """The curated schema, a text file that TensorFlow Data Validation writes. Absent:
    SchemaGen's inferred schema is used."""
    on_anomaly: Literal["fail", "warn"] = "fail"
    """What happens when the data does not match the schema: `fail` stops the run before training
    (exit code 3), `warn` only reports it."""


class DriftOfColumn(Section):
    """What differs for one column."""

    threshold: Effect | None = None
    """The effect size of this column. Absent: that of all columns."""
    on_drift: Action | None = None
    """What happens when this column has changed. Absent: that of all columns."""


class Drift(Section):
    """Compares the training split with that of the run whose model was blessed last.
    [gates.md](gates.md) explains the checks."""

    threshold: Effect = 0.1
    """The effect size from which on a column has changed: the population stability index of a
    number, the largest difference of a share (L-infinity) of a category."""
    share: Share = 0.05
    """The difference of a share: of missing values, of new values, of the label's classes."""
    rows: Annotated[float, Field(ge=1)] = 2.0
    """How many times as many, or as few, rows there may be."""
    on_drift: Action = "warn"
    """What happens when something has changed: `fail` stops the run before training (exit code 3),
    `warn` only reports it."""
    features: dict[str, DriftOfColumn] = {}
    """Other values for single columns."""


class SkewOfColumn(Section):
    """What differs for one column."""

    threshold: Effect | None = None
    """The effect size of this column. Absent: that of all columns."""
    on_skew: Action | None = None
    """What happens when this column differs. Absent: that of all columns."""


class Skew(Section):
    """Compares the training split with the other splits of the same run."""

    threshold: Effect = 0.1
    """The effect size from which on a column differs, as for `drift`."""
    share: Share = 0.05
    """The difference of a share, as for `drift`."""
    on_skew: Action = "warn"
    """What happens when something differs: `fail` stops the run before training (exit code 3),
    `warn` only reports it."""
    features: dict[str, SkewOfColumn] = {}
    """Other values for single columns."""


class Bias(Section):
    """The share and the labels of each group in the training split, compared with the data of the
    run whose model was blessed last, and between the groups with limits that you give. Rows
    without a value are the group `missing`. [gates.md](gates.md#bias) explains the checks."""

    groups: Annotated[tuple[str, ...], Field(min_length=1)]
    """The columns whose values are the groups, for example `[sex, age_group]`; each has at most 50
    values. They need not be features."""
    on_bias: Action = "warn"
    """What happens when a limit is broken: `fail` stops the run before training (exit code 3),
    `warn` only reports it."""
    share: Share = 0.05
    """By how much the share of a group may differ from that in the last blessed model's data."""
    label_rate: Share = 0.05
    """By how much the share of a class within a group may differ from that in the last blessed
    model's data: of the positive class of two, else of each class."""
    label_mean: Effect = 0.2
    """For a regression: by how many standard deviations the mean label of a group may differ from
    that in the last blessed model's data."""
    min_share: Share | None = None
    """The least share of the rows that each group must have, `missing` aside. Absent: any."""
    max_rate_difference: Share | None = None
    """The largest difference of the label rates of two groups (demographic parity difference).
    Absent: any."""
    min_rate_ratio: Share | None = None
    """The least ratio of the label rates of two groups (disparate impact); 0.8 is the four-fifths
    rule. Absent: any."""
    max_mean_difference: Effect | None = None
    """For a regression: the largest difference of the mean labels of two groups, in the label's
    unit. Absent: any."""

    @pydantic.field_validator("groups")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"names {name!r} twice")
        return names


class Gates(Section):
    """What is compared before training, beside the schema."""

    drift: Drift | None = None
    """The data against that of the last blessed model. Absent: not compared."""
    skew: Skew | None = None
    """The splits of the run against each other. Absent: not compared."""
    bias: Bias | None = None
    """The groups of rows in the training split. Absent: not compared."""
