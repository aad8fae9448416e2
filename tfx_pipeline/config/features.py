"""The section `features:`: one class for each treatment of a column."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import Field, PositiveInt

from tfx_pipeline.config.base import Section

Missing = Literal["mean", "median", "most_frequent", "constant"]


class _Feature(Section):
    """The keys of every treatment."""

    indicator: bool = False
    """Adds an input that is 1 where the value is missing and 0 elsewhere."""

    @pydantic.model_validator(mode="after")
    def _constant_has_fill(self) -> _Feature:
        wants = getattr(self, "missing", None) == "constant"
        if wants != (getattr(self, "fill_value", None) is not None):
            raise ValueError("'fill_value' and 'missing: constant' require each other")
        return self


class _Numeric(_Feature):
    """The keys of every treatment of numbers."""

    missing: Missing = "mean"
    """What replaces a missing value: a statistic of the training split, or the constant
    `fill_value`."""
    fill_value: float | None = None
    """The number that replaces a missing value; only with `missing: constant`."""


class ZScore(_Numeric):
    """(x - mean) / standard deviation."""

    transform: Literal["zscore"]
    """Selects this treatment."""


class MinMax(_Numeric):
    """Scaled to 0..1; values beyond the training range are clipped."""

    transform: Literal["minmax"]
    """Selects this treatment."""


class Log(_Numeric):
    """sign(x) * log(1 + |x|), then z-score: for amounts, distances, durations."""

    transform: Literal["log"]
    """Selects this treatment."""


class Buckets(_Numeric):
    """One of `buckets` quantile ranges, embedded; for values whose effect is not smooth."""

    transform: Literal["buckets"]
    """Selects this treatment."""
    buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """The number of ranges. Each holds about the same number of rows of the training split."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the number of buckets, 16 at most."""


class _Categorical(_Feature):
    """The keys of every treatment that makes categories."""

    missing: Literal["most_frequent", "constant"] | None = None
    """What replaces a missing value: the most frequent value, or the constant `fill_value`.
    Absent: missing is a category of its own."""
    fill_value: str | None = None
    """The text that replaces a missing value; only with `missing: constant`."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the number of categories, 16 at
    most."""


class Vocabulary(_Categorical):
    """The `top_k` most frequent values seen at least `min_frequency` times; others are hashed."""

    transform: Literal["vocabulary"]
    """Selects this treatment."""
    top_k: PositiveInt = 1000
    """How many of the most frequent values get a category of their own."""
    min_frequency: PositiveInt = 1
    """How often a value must occur in the training split to get a category of its own."""
    oov_buckets: PositiveInt = 1
    """How many categories all other values share (out-of-vocabulary buckets); a hash chooses one
    of them."""


class Hash(_Categorical):
    """Hashed into `buckets`, without a vocabulary: for columns with very many values."""

    transform: Literal["hash"]
    """Selects this treatment."""
    buckets: Annotated[int, Field(ge=2, le=10_000_000)] = 1000
    """The number of categories. Different values can share one."""
    missing: Literal["constant"] | None = None
    """`constant` replaces a missing value with `fill_value`. Absent: missing is a category of
    its own."""


class Integer(_Feature):
    """An integer of a known domain, embedded: `min`..`max`, or the schema's int_domain."""

    transform: Literal["integer"]
    """Selects this treatment."""
    min: int | None = None
    """The lowest known value, together with `max`. Absent: the schema's `int_domain`."""
    max: int | None = None
    """The highest known value, together with `min`. Values outside the range share one category."""
    missing: Literal["most_frequent", "constant"] | None = None
    """What replaces a missing value: the most frequent value, or the constant `fill_value`.
    Absent: missing is a category of its own."""
    fill_value: int | None = None
    """The number that replaces a missing value; only with `missing: constant`."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the size of the range, 16 at most."""

    @pydantic.model_validator(mode="after")
    def _range_is_whole(self) -> Integer:
        if (self.min is None) != (self.max is None):
            raise ValueError("give both 'min' and 'max', or neither to use the schema's domain")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"'min' ({self.min}) must be below 'max' ({self.max})")
        return self


Feature = Annotated[
    ZScore | MinMax | Log | Buckets | Vocabulary | Hash | Integer,
    Field(discriminator="transform"),
]
