"""Features from categories: vocabulary, hash, integer.

Each value gets an id, and each id an embedding. The ids are, in this order: 0
for a missing value, then the out-of-vocabulary buckets, then the known values.
So every value a client can send has an id that is in the embedding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic
import tensorflow as tf
import tensorflow_transform as tft
from pydantic import Field, PositiveInt
from typing_extensions import override

from tfx_pipeline.config.treatment import INTEGER, TEXT, SchemaColumn
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.feature import Feature, as_column, embed, id_input, require_fill_value

_MISSING_ID = 0
_OUTSIDE_ID, _FIRST_ID = 1, 2
"""Of `integer`: the id of values outside the domain, and of the lowest value in it."""

_LARGEST_DOMAIN = 1_000_000


class Categorical(Feature):
    """An id for each value, embedded."""

    missing: Literal["most_frequent", "constant"] | None = None
    """What replaces a missing value: the most frequent value, or the constant `fill_value`.
    Absent: missing is a category of its own."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the number of categories, 16 at
    most."""

    _require_fill_value = require_fill_value

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        ids = as_column(self.ids(inputs, statistics), tf.int64)
        return {self.name: ids, **self.missing_indicator(inputs)}

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
        return [embed(ids, self.name, num_ids, self.embedding_dim), *indicator]


class StringCategory(Categorical):
    """A category that is read as a string."""

    fill_value: str | None = None
    """The text that replaces a missing value; only with `missing: constant`."""

    accepts = (TEXT, INTEGER)

    def strings(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """string [batch], with `fill_value` for missing values, or else the empty string."""
        return self.column.strings(inputs, self.fill_value or "")

    def replace_missing(
        self, inputs: Mapping[str, Any], ids: tf.Tensor, missing_id: int
    ) -> tf.Tensor:
        """The ids of `strings`, with `missing_id` where neither value nor `fill_value` is."""
        if self.fill_value:
            return ids
        return tf.where(self.column.present(inputs), ids, tf.constant(missing_id, tf.int64))


class Vocabulary(StringCategory):
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

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        values = self.strings(inputs)
        first = 1 + self.oov_buckets
        vocabulary = graph_names.of_vocabulary(self.name)
        index = vocabulary_index(values, vocabulary, self.top_k, self.min_frequency)
        oov = 1 + tf.strings.to_hash_bucket_fast(values, self.oov_buckets)
        # The most frequent value has index 0.
        missing_id = first if self.missing == "most_frequent" else _MISSING_ID
        return self.replace_missing(inputs, tf.where(index >= 0, first + index, oov), missing_id)

    @override
    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        size = transform.vocabulary_size_by_name(graph_names.of_vocabulary(self.name))
        return 1 + self.oov_buckets + size


class Hash(StringCategory):
    """Hashed into `buckets`, without a vocabulary: for columns with very many values."""

    transform: Literal["hash"]
    """Selects this treatment."""
    buckets: Annotated[int, Field(ge=2, le=10_000_000)] = 1000
    """The number of categories. Different values can share one."""
    missing: Literal["constant"] | None = None
    """`constant` replaces a missing value with `fill_value`. Absent: missing is a category of
    its own."""

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        hashed = 1 + tf.strings.to_hash_bucket_fast(self.strings(inputs), self.buckets)
        return self.replace_missing(inputs, hashed, _MISSING_ID)

    @override
    def num_ids(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.buckets


class Integer(Categorical):
    """An integer of a known domain, embedded: `min`..`max`, or the schema's int_domain."""

    transform: Literal["integer"]
    """Selects this treatment."""
    min: int | None = None
    """The lowest known value, together with `max`. Absent: the schema's `int_domain`."""
    max: int | None = None
    """The highest known value, together with `min`. Values outside the range share one category."""
    fill_value: int | None = None
    """The number that replaces a missing value; only with `missing: constant`."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from the size of the range, 16 at most."""

    accepts = (INTEGER,)

    @pydantic.model_validator(mode="after")
    def _range_is_whole(self) -> Integer:
        if (self.min is None) != (self.max is None):
            raise ValueError("give both 'min' and 'max', or neither to use the schema's domain")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"'min' ({self.min}) must be below 'max' ({self.max})")
        return self

    def domain(self, of_schema: tuple[int, int] | None) -> tuple[int, int] | None:
        """Lowest and highest value, from the configuration or else from the schema."""
        if self.min is not None and self.max is not None:
            return self.min, self.max
        return of_schema

    @property
    def bounds(self) -> tuple[int, int]:
        """The domain of the column; `check` has made sure that there is one."""
        return self.domain(self.column.int_range) or (0, 0)

    @override
    def check(self, column: SchemaColumn) -> Iterator[tuple[str, str]]:
        yield from super().check(column)
        domain = self.domain(column.int_range)
        if column.type == INTEGER and domain is None:
            remedy = "Give 'min' and 'max' here, or an int_domain with both in the schema"
            yield "the range of its integers is not known", remedy
        elif domain is not None and domain[1] - domain[0] >= _LARGEST_DOMAIN:
            found = f"has a domain of {domain[1] - domain[0] + 1} values"
            yield found, "Use hash or buckets for so many"

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        if self.missing != "most_frequent":
            return {}
        return {self.name: StatisticsRequest(self.column.numbers(inputs), mode=True)}

    @override
    def ids(self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]) -> tf.Tensor:
        low, high = self.bounds
        fill: Any = self.fill_value
        if self.missing == "most_frequent":
            fill = tf.cast(statistics[self.name].mode, tf.int64)
        values = self.column.integers(inputs, fill)
        inside = (values >= low) & (values <= high)
        outside = tf.constant(_OUTSIDE_ID, tf.int64)
        if self.missing is None:
            outside = tf.where(self.column.present(inputs), outside, _MISSING_ID)
        return tf.where(inside, values - (low - _FIRST_ID), outside)

    @override
    def ordered(self, inputs: dict[str, Any]) -> list[Any]:
        return [tf.cast(inputs[self.name], tf.float32)]

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
