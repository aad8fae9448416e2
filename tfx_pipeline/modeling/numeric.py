"""Features from numbers: zscore, minmax, log, buckets.

Infinite and NaN are missing values too. A missing value is replaced as the
configuration's `missing` says, with a statistic of the training split or a constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from typing_extensions import override

from tfx_pipeline.config import features as treatments
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.feature import (
    Feature,
    as_column,
    embed,
    id_input,
    number_input,
    transformation,
)

_MAX_ZSCORE = 10.0
"""Standard deviations at which a value is clipped, so that no outlier dominates the others."""


class Numeric(Feature):
    """A number, with its missing values replaced."""

    config: treatments.ZScore | treatments.MinMax | treatments.Log | treatments.Buckets

    @override
    def check(self) -> None:
        if self.column.dtype == tf.string:
            raise self.error(
                "transform",
                f"{self.config.transform!r} is for numbers, but the schema says BYTES",
                "Use vocabulary or hash.",
            )

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        missing = self.config.missing
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
        if self.config.fill_value is not None:
            fill = self.config.fill_value
        elif self.config.missing == "median":
            fill = found.median
        else:
            fill = found.mode if self.config.missing == "most_frequent" else found.mean
        return self.column.numbers(inputs, fill)

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        value = self.scale(self.numbers(inputs, statistics), statistics)
        return {self.name: as_column(value), **self.indicator(inputs)}

    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        """The transformation itself: [batch] without missing values -> [batch]."""
        raise NotImplementedError

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**number_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        return list(inputs.values())


@transformation("zscore")
class ZScore(Numeric):
    """(x - mean) / standard deviation; 0 for a constant column."""

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        return _zscore(values, statistics[self.name])


@transformation("minmax")
class MinMax(Numeric):
    """Scaled to 0..1 by the range of the training split; values outside are clipped."""

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        low, high = statistics[self.name].min, statistics[self.name].max
        return tf.clip_by_value(tf.math.divide_no_nan(values - low, high - low), 0.0, 1.0)


@transformation("log")
class Log(Numeric):
    """sign(x) * log(1 + |x|), then z-score."""

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        logs = _log(self.column.numbers(inputs))
        return {**super().statistics(inputs), f"{self.name}/log": StatisticsRequest(logs)}

    @override
    def scale(self, values: tf.Tensor, statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        return _zscore(_log(values), statistics[f"{self.name}/log"])


@transformation("buckets")
class Buckets(Numeric):
    """The number of the quantile range that contains the value, embedded."""

    config: treatments.Buckets

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        request = super().statistics(inputs)[self.name]
        quantiles = tuple(sorted({self.config.buckets, *request.quantiles}))
        return {self.name: StatisticsRequest(request.values, request.mode, quantiles)}

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        boundaries = statistics[self.name].boundaries[self.config.buckets]
        # The bucket is the number of boundaries that are not above the value.
        # tf.searchsorted would need 14 operations, for shapes that do not occur here.
        bucket = tf.raw_ops.UpperBound(
            sorted_inputs=tf.expand_dims(boundaries, 0),
            values=tf.expand_dims(self.numbers(inputs, statistics), 0),
            out_type=tf.int64,
        )
        return {self.name: tf.reshape(bucket, [-1, 1]), **self.indicator(inputs)}

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**id_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        config, (ids, *indicator) = self.config, inputs.values()
        return [embed(ids, self.name, config.buckets, config.embedding_dim), *indicator]


def _zscore(values: tf.Tensor, statistics: ColumnStatistics) -> tf.Tensor:
    score = tf.math.divide_no_nan(values - statistics.mean, statistics.std)
    return tf.clip_by_value(score, -_MAX_ZSCORE, _MAX_ZSCORE)


def _log(values: tf.Tensor) -> tf.Tensor:
    return tf.sign(values) * tf.math.log1p(tf.abs(values))
