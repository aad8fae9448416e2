"""The section `features:`: one class for each treatment of a column."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic
from pydantic import Field, PositiveInt

from tfx_pipeline.config.base import Section

Missing = Literal["mean", "median", "most_frequent", "constant"]


class _Feature(Section):
    """The keys of every treatment.

    `missing` selects the value that replaces an absent one; it is computed on the
    training split. `indicator` adds an input that is 1 where the value was absent.
    """

    indicator: bool = False

    @pydantic.model_validator(mode="after")
    def _constant_has_fill(self) -> _Feature:
        wants = getattr(self, "missing", None) == "constant"
        if wants != (getattr(self, "fill_value", None) is not None):
            raise ValueError("'fill_value' and 'missing: constant' require each other")
        return self


class _Numeric(_Feature):
    missing: Missing = "mean"
    fill_value: float | None = None


class ZScore(_Numeric):
    """(x - mean) / standard deviation."""

    transform: Literal["zscore"]


class MinMax(_Numeric):
    """Scaled to 0..1; values beyond the training range are clipped."""

    transform: Literal["minmax"]


class Log(_Numeric):
    """sign(x) * log(1 + |x|), then z-score: for amounts, distances, durations."""

    transform: Literal["log"]


class Buckets(_Numeric):
    """One of `buckets` quantile ranges, embedded; for values whose effect is not smooth."""

    transform: Literal["buckets"]
    buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    embedding_dim: PositiveInt | None = None


class _Categorical(_Feature):
    """`missing` here is `most_frequent`, `constant`, or absent: a bucket of its own."""

    missing: Literal["most_frequent", "constant"] | None = None
    fill_value: str | None = None
    embedding_dim: PositiveInt | None = None


class Vocabulary(_Categorical):
    """The `top_k` most frequent values seen at least `min_frequency` times; others are hashed."""

    transform: Literal["vocabulary"]
    top_k: PositiveInt = 1000
    min_frequency: PositiveInt = 1
    oov_buckets: PositiveInt = 1


class Hash(_Categorical):
    """Hashed into `buckets`, without a vocabulary: for columns with very many values."""

    transform: Literal["hash"]
    buckets: Annotated[int, Field(ge=2, le=10_000_000)] = 1000
    missing: Literal["constant"] | None = None


class Integer(_Feature):
    """An integer of a known domain, embedded: `min`..`max`, or the schema's int_domain."""

    transform: Literal["integer"]
    min: int | None = None
    max: int | None = None
    missing: Literal["most_frequent", "constant"] | None = None
    fill_value: int | None = None
    embedding_dim: PositiveInt | None = None

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
