"""Features from categories: vocabulary, hash, integer.

Each value gets an id, and each id an embedding. The ids are, in this order: 0
for a missing value, then the out-of-vocabulary buckets, then the known values.
So every value a client can send has an id that is in the embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from typing_extensions import override

from tfx_pipeline.config import features as treatments
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.feature import Feature, as_column, embed, id_input, transformation

_MISSING_ID = 0
_OUTSIDE_ID, _FIRST_ID = 1, 2
"""Of `integer`: the id of values outside the domain, and of the lowest value in it."""

_LARGEST_DOMAIN = 1_000_000


class Categorical(Feature):
    """An id for each value, embedded."""

    config: treatments.Vocabulary | treatments.Hash | treatments.Integer

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        ids = as_column(self.ids(inputs, statistics), tf.int64)
        return {self.name: ids, **self.indicator(inputs)}

    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        """int64 ids [batch], from 0 to `num_ids` - 1."""
        raise NotImplementedError

    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        """The number of ids, which is the height of the embedding."""
        raise NotImplementedError

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**id_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        ids, *indicator = inputs.values()
        num_ids = self.num_ids(transform)
        return [embed(ids, self.name, num_ids, self.config.embedding_dim), *indicator]


class StringCategory(Categorical):
    """A category that is read as a string."""

    config: treatments.Vocabulary | treatments.Hash

    def strings(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """string [batch], with `fill_value` for missing values, or else the empty string."""
        return self.column.strings(inputs, self.config.fill_value or "")

    def replace_missing(
        self, inputs: Mapping[str, Any], ids: tf.Tensor, missing_id: int
    ) -> tf.Tensor:
        """The ids of `strings`, with `missing_id` where neither value nor `fill_value` is."""
        if self.config.fill_value:
            return ids
        return tf.where(self.column.present(inputs), ids, tf.constant(missing_id, tf.int64))


@transformation("vocabulary")
class Vocabulary(StringCategory):
    """An id for each of the most frequent values; the others are hashed into buckets."""

    config: treatments.Vocabulary

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        values = self.strings(inputs)
        first = 1 + self.config.oov_buckets
        index = vocabulary_index(values, self.name, self.config.top_k, self.config.min_frequency)
        oov = 1 + tf.strings.to_hash_bucket_fast(values, self.config.oov_buckets)
        # The most frequent value has index 0.
        missing_id = first if self.config.missing == "most_frequent" else _MISSING_ID
        return self.replace_missing(inputs, tf.where(index >= 0, first + index, oov), missing_id)

    @override
    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.config.oov_buckets + transform.vocabulary_size_by_name(self.name)


@transformation("hash")
class Hash(StringCategory):
    """A hash of the value; nothing is computed on the training split."""

    config: treatments.Hash

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        hashed = 1 + tf.strings.to_hash_bucket_fast(self.strings(inputs), self.config.buckets)
        return self.replace_missing(inputs, hashed, _MISSING_ID)

    @override
    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.config.buckets


@transformation("integer")
class Integer(Categorical):
    """An id for each integer of a known domain, and one for all values outside it."""

    config: treatments.Integer

    @property
    def domain(self) -> tuple[int, int] | None:
        """Lowest and highest value, from the configuration or else from the schema."""
        if self.config.min is not None and self.config.max is not None:
            return self.config.min, self.config.max
        return self.column.int_range

    @property
    def bounds(self) -> tuple[int, int]:
        """The domain.

        Raises:
          ConfigError: if neither the configuration nor the schema gives it.
        """
        if self.domain is None:
            raise self.error(
                "", "has no known domain", "Give 'min' and 'max', or int_domain in the schema."
            )
        return self.domain

    @override
    def check(self) -> None:
        if self.column.dtype == tf.string:
            raise self.error("transform", "'integer' is for numbers, but the schema says BYTES")
        low, high = self.bounds
        if high - low >= _LARGEST_DOMAIN:
            found = f"has a domain of {high - low + 1} values"
            raise self.error("", found, "Use hash or buckets for so many.")

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        if self.config.missing != "most_frequent":
            return {}
        return {self.name: StatisticsRequest(self.column.numbers(inputs), mode=True)}

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        low, high = self.bounds
        fill: Any = float("nan")
        if self.config.fill_value is not None:
            fill = float(self.config.fill_value)
        elif self.config.missing == "most_frequent":
            fill = statistics[self.name].mode
        values = self.column.numbers(inputs, fill)
        outside = tf.constant(_OUTSIDE_ID, tf.float64)
        if self.config.missing is None:
            outside = tf.where(self.column.present(inputs), outside, float(_MISSING_ID))
        inside = (values >= low) & (values <= high)
        # Within the domain the offset is not negative, so the cast rounds down.
        offset = tf.where(inside, values - low, outside - _FIRST_ID)
        return tf.cast(offset, tf.int64) + _FIRST_ID

    @override
    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        low, high = self.bounds
        return high - low + 1 + _FIRST_ID


def vocabulary_index(
    values: tf.Tensor, name: str, top_k: int | None = None, min_frequency: int | None = None
) -> tf.Tensor:
    """The index of each string in the vocabulary `name`, which Transform computes.

    Args:
      values: string [batch].
      name: of the vocabulary's file.
      top_k: the most values the vocabulary holds.
      min_frequency: how often a value must occur to be in it.

    Returns:
      int64 [batch]: 0 for the most frequent value, -1 for values that are not in it.
    """
    threshold = min_frequency if (min_frequency or 1) > 1 else None
    filename = tft.vocabulary(
        values, top_k=top_k, frequency_threshold=threshold, vocab_filename=name
    )
    return tft.apply_vocabulary(values, filename, default_value=-1, num_oov_buckets=0)
