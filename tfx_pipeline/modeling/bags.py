"""Features from several values in a row: lists, and the words of a text.

Each value gets an id. The ids are, in this order: 0 fills rows up, 1 stands for a row without
any value, then come the known values and the buckets of others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from pydantic import Field, PositiveInt
from typing_extensions import override

from tfx_pipeline.config.treatment import INTEGER, TEXT
from tfx_pipeline.modeling import graph_names, list_texts
from tfx_pipeline.modeling.categorical import vocabulary_index
from tfx_pipeline.modeling.column_statistics import ColumnStatistics
from tfx_pipeline.modeling.feature import Feature

_PADDING, _NOTHING, _FIRST_ID = 0, 1, 2


class Bag(Feature):
    """Several values of a row as the mean of their embeddings, or as a multi-hot vector."""

    def tokens(self, inputs: Mapping[str, Any]) -> tf.RaggedTensor:
        """The values of each row, ragged strings [batch, n]."""
        raise NotImplementedError

    def token_ids(self, tokens: tf.Tensor) -> tf.Tensor:
        """int64 ids [n] of values, string [n], from 0 to `kinds` - 1."""
        raise NotImplementedError

    @property
    def kinds(self) -> int:
        """The largest number of different ids of values."""
        raise NotImplementedError

    @property
    def most(self) -> int:
        """How many values of a row count; further ones are ignored."""
        raise NotImplementedError

    @property
    def is_multi_hot(self) -> bool:
        """Whether the network reads a 0 or 1 for each id, instead of embeddings."""
        return False

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        tokens = self.tokens(inputs)
        ids = tokens.with_values(_FIRST_ID + self.token_ids(tokens.values))
        filled = ids.to_tensor(default_value=_PADDING, shape=[None, self.most])
        is_empty = tf.equal(filled[:, :1], _PADDING)
        first = tf.where(is_empty, tf.constant(_NOTHING, tf.int64), filled[:, :1])
        filled = tf.concat([first, filled[:, 1:]], axis=1)
        outputs = {self.name: tf.ensure_shape(filled, [None, self.most])}
        if self.is_multi_hot:
            known = tf.one_hot(filled, _FIRST_ID + self.kinds, dtype=tf.float32)
            outputs = {self.name: tf.reduce_max(known, axis=1)[:, _NOTHING:]}
        if self.indicator:
            outputs[self.indicator_name] = tf.cast(is_empty, tf.float32)
        return outputs

    @override
    def model_inputs(self) -> dict[str, Any]:
        name = graph_names.of_column(self.name)
        if self.is_multi_hot:
            own = tf_keras.Input((_FIRST_ID - _NOTHING + self.kinds,), name=name, dtype=tf.float32)
        else:
            own = tf_keras.Input((self.most,), name=name, dtype=tf.int64)
        return {self.name: own, **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        own, *indicator = inputs.values()
        if self.is_multi_hot:
            return [own, *indicator]
        dim = getattr(self, "embedding_dim", None) or min(16, math.ceil(3 * self.kinds**0.25))
        layers, name = tf_keras.layers, graph_names.of_column
        embedded = layers.Embedding(
            _FIRST_ID + self.kinds, dim, mask_zero=True, name=name(self.name, "embed")
        )(own)
        # The mask leaves out what fills a row up; each row has at least one id.
        return [layers.GlobalAveragePooling1D(name=name(self.name, "mean"))(embedded), *indicator]


class List(Bag):
    """Several values in a row, such as tags: from lists, or from a text with a separator."""

    transform: Literal["list"]
    """Selects this treatment."""
    separator: Annotated[str, Field(min_length=1)] = "|"
    """What is between the values of a text. Blanks around a value do not count. A text that is a
    list in JSON, such as `["a", "b"]`, needs none."""
    combine: Literal["mean", "multi_hot"] = "mean"
    """`mean`: the mean of the values' embeddings. `multi_hot`: a 0 or 1 for each known value."""
    top_k: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How many of the most frequent values get a category of their own; others share one."""
    max_values: Annotated[int, Field(ge=1, le=1000)] = 20
    """How many values of a row count; further ones are ignored."""
    embedding_dim: PositiveInt | None = None
    """The size of the embedding vector. Absent: chosen from `top_k`, 16 at most."""

    accepts = (TEXT, INTEGER)
    takes_lists = True

    @override
    def tokens(self, inputs: Mapping[str, Any]) -> tf.RaggedTensor:
        values = self.column.lists(inputs)
        if self.column.dtype != tf.string:
            return values
        parts = list_texts.split(values.values, self.separator)
        return values.with_values(parts).merge_dims(1, 2)

    @override
    def token_ids(self, tokens: tf.Tensor) -> tf.Tensor:
        # Values that are not in the vocabulary have index -1, and so the id 0.
        return 1 + vocabulary_index(tokens, graph_names.of_vocabulary(self.name), self.top_k)

    @property
    @override
    def kinds(self) -> int:
        return 1 + self.top_k

    @property
    @override
    def most(self) -> int:
        return self.max_values

    @property
    @override
    def is_multi_hot(self) -> bool:
        return self.combine == "multi_hot"


class Text(Bag):
    """Free text: the mean of the embeddings of its words and of words that follow each other.

    Words are in lower case, without punctuation. Japanese and Chinese, which do not separate words,
    are read character by character; so two characters that follow each other are an n-gram.
    """

    transform: Literal["text"]
    """Selects this treatment."""
    tokens_of: Literal["words", "characters"] = "words"
    """`characters` reads every script character by character: for codes and misspelled words."""
    ngrams: Annotated[int, Field(ge=1, le=5)] = 2
    """Up to so many words or characters that follow each other count as one more token."""
    buckets: Annotated[int, Field(ge=2, le=10_000_000)] = 8192
    """The number of categories of tokens, which are hashed. Different tokens can share one."""
    top_k: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """With it the most frequent tokens of the training split get a category of their own, and
    others share one; `buckets` does not count."""
    max_tokens: Annotated[int, Field(ge=1, le=10_000)] = 200
    """How many tokens of a row count; single ones come before n-grams."""
    embedding_dim: PositiveInt | None = 16
    """The size of the embedding vector."""

    accepts = (TEXT,)

    @override
    def tokens(self, inputs: Mapping[str, Any]) -> tf.RaggedTensor:
        words = _words(self.column.lists(inputs), each_character=self.tokens_of == "characters")
        return tf.strings.ngrams(words, list(range(1, self.ngrams + 1)))

    @override
    def token_ids(self, tokens: tf.Tensor) -> tf.Tensor:
        if self.top_k is None:
            return tf.strings.to_hash_bucket_fast(tokens, self.buckets)
        return 1 + vocabulary_index(tokens, graph_names.of_vocabulary(self.name), self.top_k)

    @property
    @override
    def kinds(self) -> int:
        return self.buckets if self.top_k is None else 1 + self.top_k

    @property
    @override
    def most(self) -> int:
        return self.max_tokens


_NO_WORD = r"[^\p{L}\p{N}\p{M}]+"
_WITHOUT_BLANKS = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}])"
_CHARACTER = r"([\p{L}\p{N}])"


def _words(texts: tf.RaggedTensor, each_character: bool) -> tf.RaggedTensor:
    """The words of each row's texts, ragged [batch, n], in lower case."""
    # Operations on UTF-8 fail for a row that is none; this replaces what is wrong.
    clean = tf.strings.unicode_transcode(texts.values, "UTF-8", "UTF-8", errors="replace")
    clean = tf.strings.regex_replace(tf.strings.lower(clean, "utf-8"), _NO_WORD, " ")
    characters = _CHARACTER if each_character else _WITHOUT_BLANKS
    spaced = tf.strings.regex_replace(clean, characters, r" \1 ")
    words = tf.strings.split(spaced)
    return texts.with_values(words).merge_dims(1, 2)
