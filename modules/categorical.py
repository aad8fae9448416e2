"""Treatments of categories: vocabulary, hash, integer.

Ids start with those that need no fitting: 0 for a missing value, then the
out-of-vocabulary buckets, then the known values. So no value ever lies
outside the embedding, whatever a client sends.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from modules.summary import Request, Summary
from modules.treatments import Feature, as_column, embed, id_inputs, treats

_MISSING_ID = 0
_LARGEST_DOMAIN = 1_000_000


class Categorical(Feature):
    """An id, embedded."""

    def preprocess(self, inputs: dict[str, Any], known: dict[str, Summary]) -> dict[str, tf.Tensor]:
        ids, missing = self.ids(inputs, known)
        return {self.name: as_column(ids, tf.int64), **self.indicator(missing)}

    def ids(self, inputs: dict[str, Any], known: dict[str, Summary]) -> tuple[tf.Tensor, tf.Tensor]:
        """int64 ids [batch], and where the value was missing."""
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

    def filled(self, inputs: dict[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
        """Strings [batch] with the constant filled in, and where they were missing."""
        values = self.column.strings(inputs)
        missing = tf.equal(values, "")
        if self.config.missing == "constant":
            values = tf.where(missing, self.config.fill_value, values)
        return values, missing


@treats("vocabulary")
class Vocabulary(Categorical):
    """The most frequent values each have an id; others share the hashed buckets."""

    def ids(self, inputs: dict[str, Any], known: dict[str, Summary]) -> tuple[tf.Tensor, tf.Tensor]:
        values, missing = self.filled(inputs)
        first = 1 + self.config.oov_buckets
        rank = vocabulary_rank(values, self.name, self.config.top_k, self.config.min_frequency)
        oov = 1 + tf.strings.to_hash_bucket_fast(values, self.config.oov_buckets)
        ids = tf.where(rank >= 0, first + rank, oov)
        # The most frequent value heads the vocabulary.
        absent = first if self.config.missing == "most_frequent" else _MISSING_ID
        return tf.where(tf.equal(values, ""), tf.cast(absent, tf.int64), ids), missing

    def size(self, transform: tft.TFTransformOutput) -> int:
        return 1 + self.config.oov_buckets + transform.vocabulary_size_by_name(self.name)


@treats("hash")
class Hash(Categorical):
    """A hash of the value; nothing is fitted."""

    def ids(self, inputs: dict[str, Any], known: dict[str, Summary]) -> tuple[tf.Tensor, tf.Tensor]:
        values, missing = self.filled(inputs)
        hashed = 1 + tf.strings.to_hash_bucket_fast(values, self.config.buckets)
        return tf.where(tf.equal(values, ""), tf.cast(_MISSING_ID, tf.int64), hashed), missing

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

    def wants(self, inputs: dict[str, Any]) -> dict[str, Request]:
        if self.config.missing != "most_frequent":
            return {}
        return {self.name: Request(self.column.numbers(inputs), mode=True)}

    def ids(self, inputs: dict[str, Any], known: dict[str, Summary]) -> tuple[tf.Tensor, tf.Tensor]:
        values = self.column.numbers(inputs)
        missing = tf.math.is_nan(values)
        if self.config.missing is not None:
            values = tf.where(missing, self._fill_value(known), values)
        low, high = self.domain
        inside = (values >= low) & (values <= high)
        offset = tf.cast(tf.floor(tf.where(inside, values - low, 0.0)), tf.int64)
        ids = tf.where(inside, 2 + offset, tf.ones_like(offset))
        return tf.where(tf.math.is_nan(values), tf.zeros_like(ids), ids), missing

    def size(self, transform: tft.TFTransformOutput) -> int:
        low, high = self.domain
        return high - low + 3

    def _fill_value(self, known: dict[str, Summary]) -> tf.Tensor:
        if self.config.missing == "constant":
            return tf.constant(self.config.fill_value, tf.float64)
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
