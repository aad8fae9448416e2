"""Features from numbers: zscore, minmax, log, buckets.

Infinite and NaN are missing values too. A missing value is replaced as the
configuration's `missing` says, with a statistic of the training split or a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tensorflow as tf
import tensorflow_transform as tft
from pydantic import Field, PositiveInt
from typing_extensions import override

from tfx_pipeline.config.treatment import INTEGER, NUMBER
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.feature import (
    Feature,
    as_column,
    embed,
    id_input,
    number_input,
    require_fill_value,
)

_MAX_ZSCORE = 10.0
"""Standard deviations at which a value is clipped, so that no outlier dominates the others."""


class Numeric(Feature):
    """A number, with its missing values replaced."""

    missing: Literal["mean", "median", "most_frequent", "constant"] = "mean"
    """What replaces a missing value: a statistic of the training split, or the constant
    `fill_value`."""
    fill_value: float | None = None
    """The number that replaces a missing value; only with `missing: constant`."""

    accepts = (INTEGER, NUMBER)
    _require_fill_value = require_fill_value

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        missing = self.missing
        request = StatisticsRequest(
            self.column.numbers(inputs),
            mode=missing == "most_frequent",
            quantiles=(2,) if missing == "median" else (),
        )
        return {self.name: request}

    def numbers(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> tf.Tensor:
        """The column as float64 [batch], with missing values replaced."""
        found = statistics[self.name]
        if self.fill_value is not None:
            fill = self.fill_value
        elif self.missing == "median":
            fill = found.median
        else:
            fill = found.mode if self.missing == "most_frequent" else found.mean
        return self.column.numbers(inputs, fill)

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        value = self.scale(self.numbers(inputs, statistics), statistics)
        return {self.name: as_column(value), **self.missing_indicator(inputs)}

    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        """The transformation itself: [batch] without missing values -> [batch]."""
        raise NotImplementedError

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**number_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        return list(inputs.values())

    @override
    def ordered(self, inputs: dict[str, Any]) -> list[Any]:
        return [inputs[self.name]]


class ZScore(Numeric):
    """(x - mean) / standard deviation; 0 for a constant column."""

    transform: Literal["zscore"]
    """Selects this treatment."""

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        return zscore(values, statistics[self.name])


class MinMax(Numeric):
    """Scaled to 0..1 by the range of the training split; values outside are clipped."""

    transform: Literal["minmax"]
    """Selects this treatment."""

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        low, high = statistics[self.name].min, statistics[self.name].max
        return tf.clip_by_value(tf.math.divide_no_nan(values - low, high - low), 0.0, 1.0)


class Log(Numeric):
    """sign(x) * log(1 + |x|), then z-score: for amounts, distances, durations."""

    transform: Literal["log"]
    """Selects this treatment."""

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        logs = _log(self.column.numbers(inputs))
        return {**super().statistics(inputs), f"{self.name}/log": StatisticsRequest(logs)}

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        return zscore(_log(values), statistics[f"{self.name}/log"])


class Buckets(Numeric):
    """One of `buckets` quantile ranges, embedded; for values whose effect is not smooth."""

    transform: Literal["buckets"]
    """Selects this treatment."""
    buckets: Annotated[int, Field(ge=2, le=10_000)] = 10
    """The number of ranges. Each holds about the same number of rows of the training split."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the number of buckets, 16 at most."""

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        request = super().statistics(inputs)[self.name]
        quantiles = tuple(sorted({self.buckets, *request.quantiles}))
        return {self.name: StatisticsRequest(request.values, request.mode, quantiles)}

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        boundaries = statistics[self.name].boundaries[self.buckets]
        # The bucket is the number of boundaries that are not above the value.
        # tf.searchsorted would need 14 operations, for shapes that do not occur here.
        bucket = tf.raw_ops.UpperBound(
            sorted_inputs=tf.expand_dims(boundaries, 0),
            values=tf.expand_dims(self.numbers(inputs, statistics), 0),
            out_type=tf.int64,
        )
        return {self.name: tf.reshape(bucket, [-1, 1]), **self.missing_indicator(inputs)}

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**id_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        ids, *indicator = inputs.values()
        return [embed(ids, self.name, self.buckets, self.embedding_dim), *indicator]

    @override
    def ordered(self, inputs: dict[str, Any]) -> list[Any]:
        return [tf.cast(inputs[self.name], tf.float32)]


def zscore(values: tf.Tensor, statistics: ColumnStatistics) -> tf.Tensor:
    """(x - mean) / standard deviation, clipped; 0 for a constant column."""
    score = tf.math.divide_no_nan(values - statistics.mean, statistics.std)
    return tf.clip_by_value(score, -_MAX_ZSCORE, _MAX_ZSCORE)


def _log(values: tf.Tensor) -> tf.Tensor:
    return tf.sign(values) * tf.math.log1p(tf.abs(values))
