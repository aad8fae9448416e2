"""Treatments of categories: vocabulary, hash, integer.

Ids start with those that need no fitting: 0 for a missing value, then the
out-of-vocabulary buckets, then the known values. So no value ever lies
outside the embedding, whatever a client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_pipeline.modeling.feature_base import Feature, as_column, embed, id_inputs, treats
from tfx_pipeline.modeling.statistics_request import Request, Summary

_MISSING_ID = 0
_OUTSIDE_ID, _FIRST_ID = 1, 2  # of integers
_LARGEST_DOMAIN = 1_000_000


class Categorical(Feature):
    """An id, embedded."""

    def preprocess(
        self, inputs: Mapping[str, Any], known: dict[str, Summary]
    ) -> dict[str, tf.Tensor]:
        ids = as_column(self.ids(inputs, known), tf.int64)
        return {self.name: ids, **self.indicator(inputs)}

    def ids(self, inputs: Mapping[str, Any], known: dict[str, Summary]) -> tf.Tensor:
        """int64 ids [batch]."""
        raise NotImplementedError

    def size(self, transform: tft.TFTransformOutput) -> int:
        """How many ids there are."""
        raise NotImplementedError

    def model_inputs(self) -> dict[str, Any]:
        return {**id_inputs(self.name), **self.indicator_inputs()}

    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        ids, *others = inputs.values()
        size = self.size(transform)
        return [embed(ids, self.name, size, self.config.embedding_dim), *others]

    def filled(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """Strings [batch] with the constant, if there is one, where they were missing."""
        return self.column.strings(inputs, self.config.fill_value or "")

    def where_filled(self, inputs: Mapping[str, Any], ids: tf.Tensor, absent: int) -> tf.Tensor:
        """The ids of what `filled` gives; `absent` for what is still empty."""
        if self.config.fill_value:
            return ids
        return tf.where(self.column.present(inputs), ids, tf.constant(absent, tf.int64))


@treats("vocabulary")
class Vocabulary(Categorical):
    """The most frequent values each have an id; others share the hashed buckets."""

    def ids(self, inputs: Mapping[str, Any], known: dict[str, Summary]) -> tf.Tensor:
        values = self.filled(inputs)
        first = 1 + self.config.oov_buckets
        rank = vocabulary_rank(values, self.name, self.config.top_k, self.config.min_frequency)
        oov = 1 + tf.strings.to_hash_bucket_fast(values, self.config.oov_buckets)
        # The most frequent value heads the vocabulary.
        absent = first if self.config.missing == "most_frequent" else _MISSING_ID
        return self.where_filled(inputs, tf.where(rank >= 0, first + rank, oov), absent)

    def size(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.config.oov_buckets + transform.vocabulary_size_by_name(self.name)


@treats("hash")
class Hash(Categorical):
    """A hash of the value; nothing is fitted."""

    def ids(self, inputs: Mapping[str, Any], known: dict[str, Summary]) -> tf.Tensor:
        hashed = 1 + tf.strings.to_hash_bucket_fast(self.filled(inputs), self.config.buckets)
        return self.where_filled(inputs, hashed, _MISSING_ID)

    def size(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.config.buckets


@treats("integer")
class Integer(Categorical):
    """An integer of a known domain; 1 is the id of everything outside it."""

    @property
    def domain(self) -> tuple[int, int]:
        """Lowest and highest known value."""
        if self.config.min is not None:
            return self.config.min, self.config.max
        return self.column.int_range

    def check(self) -> None:
        if self.column.dtype == tf.string:
            raise self.refuse("transform", "'integer' is for numbers, but the schema says BYTES")
        if self.config.min is None and self.column.int_range is None:
            raise self.refuse(
                "", "has no known domain", "Give 'min' and 'max', or int_domain in the schema."
            )
        low, high = self.domain
        if high - low >= _LARGEST_DOMAIN:
            found = f"has a domain of {high - low + 1} values"
            raise self.refuse("", found, "Use hash or buckets for so many.")

    def wants(self, inputs: Mapping[str, Any]) -> dict[str, Request]:
        if self.config.missing != "most_frequent":
            return {}
        return {self.name: Request(self.column.numbers(inputs), mode=True)}

    def ids(self, inputs: Mapping[str, Any], known: dict[str, Summary]) -> tf.Tensor:
        values = self.column.numbers(inputs, self._fill_value(known))
        low, high = self.domain
        outside = tf.constant(_OUTSIDE_ID, tf.float64)
        if self.config.missing is None:
            outside = tf.where(self.column.present(inputs), outside, float(_MISSING_ID))
        inside = (values >= low) & (values <= high)
        # Positive where it counts, so that the cast rounds down.
        offset = tf.where(inside, values - low, outside - _FIRST_ID)
        return tf.cast(offset, tf.int64) + _FIRST_ID

    def size(self, transform: tft.TFTransformOutput) -> int:
        low, high = self.domain
        return high - low + 3

    def _fill_value(self, known: dict[str, Summary]) -> Any:
        if self.config.missing is None:
            return float("nan")
        if self.config.missing == "constant":
            return float(self.config.fill_value)
        return known[self.name].mode


def vocabulary_rank(
    values: tf.Tensor, name: str, top_k: int | None = None, min_frequency: int | None = None
) -> tf.Tensor:
    """The rank of each string in the fitted vocabulary `name`; -1 for those not in it."""
    threshold = min_frequency if (min_frequency or 1) > 1 else None
    filename = tft.vocabulary(
        values, top_k=top_k, frequency_threshold=threshold, vocab_filename=name
    )
    return tft.apply_vocabulary(values, filename, default_value=-1, num_oov_buckets=0)
