"""The label: from the raw column to what the loss needs, and back to names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_pipeline.modeling.categorical import vocabulary_rank
from tfx_pipeline.modeling.columns import Column
from tfx_pipeline.modeling.feature_base import as_column

NO_LABEL = -1
"""The class id of a row without a (known) label; training leaves such rows out."""

_VOCABULARY = "label_classes"
_TRUE = ("1", "true", "yes", "y", "t")
_FALSE = ("0", "false", "no", "n", "f")


@dataclasses.dataclass(frozen=True)
class Label:
    """The column to predict.

    Attributes:
      column: the raw column.
      config: `tfx_pipeline.config.models.Label`.
    """

    column: Column
    config: Any

    @property
    def name(self) -> str:
        return self.column.name

    @property
    def task(self) -> str:
        return self.config.task

    def preprocess(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The label [batch, 1]: a class id (int64), or a number (float32)."""
        if self.task == "regression":
            return {self.name: as_column(self.column.numbers(inputs))}
        return {self.name: as_column(self._ids(inputs), tf.int64)}

    def classes(self, transform: tft.TFTransformOutput) -> tuple[str, ...]:
        """The names of the classes, in the order of their ids; empty for regression."""
        if self.task == "regression":
            return ()
        if self.config.classes:
            return tuple(self.config.classes)
        if self.task == "binary":
            return ("0", "1")
        found = transform.vocabulary_by_name(_VOCABULARY)
        return tuple(name.decode("utf-8", "replace") for name in found)

    def _ids(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        names = self._names(inputs)
        if self.config.classes:
            return _position(names, [(name,) for name in self.config.classes])
        if self.task == "binary":
            return _position(tf.strings.lower(names), [_FALSE, _TRUE])
        return vocabulary_rank(names, _VOCABULARY)

    def _names(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """The label as a string; a float like 1.0 is the class 1."""
        if self.column.dtype != tf.float32:
            return self.column.strings(inputs)
        values = self.column.numbers(inputs)
        whole = tf.strings.as_string(tf.cast(tf.math.round(values), tf.int64))
        as_text = tf.where(tf.equal(values, tf.math.round(values)), whole, "")
        return tf.where(tf.math.is_nan(values), "", as_text)


def _position(names: tf.Tensor, classes: list[tuple[str, ...]]) -> tf.Tensor:
    """The index of the class that each name belongs to, or NO_LABEL."""
    spellings = [spelling for class_ in classes for spelling in class_]
    ids = [index for index, class_ in enumerate(classes) for _ in class_]
    matches = tf.equal(names[:, tf.newaxis], spellings)
    found = tf.where(matches, tf.constant(ids, tf.int64), tf.constant(NO_LABEL, tf.int64))
    return tf.reduce_max(found, axis=1)
