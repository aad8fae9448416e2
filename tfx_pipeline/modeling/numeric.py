"""Treatments of numbers: zscore, minmax, log, buckets.

Missing, infinite and not-a-number are the same thing: the value is filled in
by the policy in `missing`, fitted on the training split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_pipeline.modeling.feature_base import (
    Feature,
    as_column,
    embed,
    id_inputs,
    number_inputs,
    treats,
)
from tfx_pipeline.modeling.statistics_request import Request, Summary

_FARTHEST = 10.0
"""Standard deviations at which a value is clipped: an absurd one must not drown the others."""


class Numeric(Feature):
    """A number with its missing values filled in."""

    def check(self) -> None:
        if self.column.dtype == tf.string:
            raise self.refuse(
                "transform",
                f"{self.config.transform!r} is for numbers, but the schema says BYTES",
                "Use vocabulary or hash.",
            )

    def wants(self, inputs: Mapping[str, Any]) -> dict[str, Request]:
        policy = self.config.missing
        quantiles = (2,) if policy == "median" else ()
        values = self.column.numbers(inputs)
        return {self.name: Request(values, policy == "most_frequent", quantiles)}

    def filled(self, inputs: Mapping[str, Any], known: dict[str, Summary]) -> tf.Tensor:
        """float64 [batch] without NaN."""
        return self.column.numbers(inputs, self.fill_value(known))

    def fill_value(self, known: dict[str, Summary]) -> float | tf.Tensor:
        """What stands in for an absent value."""
        summary = known[self.name]
        if self.config.missing == "constant":
            return self.config.fill_value
        if self.config.missing == "median":
            return summary.median
        return summary.mode if self.config.missing == "most_frequent" else summary.mean

    def preprocess(
        self, inputs: Mapping[str, Any], known: dict[str, Summary]
    ) -> dict[str, tf.Tensor]:
        value = self.scale(self.filled(inputs, known), known)
        return {self.name: as_column(value), **self.indicator(inputs)}

    def scale(self, values: tf.Tensor, known: dict[str, Summary]) -> tf.Tensor:
        """The treatment itself, on [batch] without missing values."""
        raise NotImplementedError

    def model_inputs(self) -> dict[str, Any]:
        return {**number_inputs(self.name), **self.indicator_inputs()}

    def encode(self, inputs: dict[str, Any], transform: Any) -> list[Any]:
        return list(inputs.values())


@treats("zscore")
class ZScore(Numeric):
    """(x - mean) / standard deviation; 0 for a constant column."""

    def scale(self, values: tf.Tensor, known: dict[str, Summary]) -> tf.Tensor:
        return _zscore(values, known[self.name])


@treats("minmax")
class MinMax(Numeric):
    """0..1 over the training range; beyond it clipped."""

    def scale(self, values: tf.Tensor, known: dict[str, Summary]) -> tf.Tensor:
        low, high = known[self.name].min, known[self.name].max
        return tf.clip_by_value(tf.math.divide_no_nan(values - low, high - low), 0.0, 1.0)


@treats("log")
class Log(Numeric):
    """sign(x) * log(1 + |x|), then z-score."""

    def wants(self, inputs: Mapping[str, Any]) -> dict[str, Request]:
        logs = _log(self.column.numbers(inputs))
        return {**super().wants(inputs), f"{self.name}/log": Request(logs)}

    def scale(self, values: tf.Tensor, known: dict[str, Summary]) -> tf.Tensor:
        return _zscore(_log(values), known[f"{self.name}/log"])


@treats("buckets")
class Buckets(Numeric):
    """The number of the quantile range a value falls into, embedded."""

    def wants(self, inputs: Mapping[str, Any]) -> dict[str, Request]:
        request = super().wants(inputs)[self.name]
        quantiles = tuple(sorted({self.config.buckets, *request.quantiles}))
        return {self.name: Request(request.values, request.mode, quantiles)}

    def preprocess(
        self, inputs: Mapping[str, Any], known: dict[str, Summary]
    ) -> dict[str, tf.Tensor]:
        boundaries = known[self.name].boundaries[self.config.buckets]
        bucket = _bucket(self.filled(inputs, known), boundaries)
        return {self.name: bucket, **self.indicator(inputs)}

    def model_inputs(self) -> dict[str, Any]:
        return {**id_inputs(self.name), **self.indicator_inputs()}

    def encode(self, inputs: dict[str, Any], transform: Any) -> list[Any]:
        config, (ids, *others) = self.config, inputs.values()
        return [embed(ids, self.name, config.buckets, config.embedding_dim), *others]


def _zscore(values: tf.Tensor, summary: Summary) -> tf.Tensor:
    score = tf.math.divide_no_nan(values - summary.mean, summary.std)
    return tf.clip_by_value(score, -_FARTHEST, _FARTHEST)


def _log(values: tf.Tensor) -> tf.Tensor:
    return tf.sign(values) * tf.math.log1p(tf.abs(values))


def _bucket(values: tf.Tensor, boundaries: tf.Tensor) -> tf.Tensor:
    """[batch, 1]: how many boundaries are not above each value."""
    # tf.searchsorted makes 14 operations of this, for shapes that are not there.
    found = tf.raw_ops.UpperBound(
        sorted_inputs=tf.expand_dims(boundaries, 0),
        values=tf.expand_dims(values, 0),
        out_type=tf.int64,
    )
    return tf.reshape(found, [-1, 1])
