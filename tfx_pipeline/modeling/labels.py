"""The label: from the raw column to what the loss needs, and the names of its classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_pipeline.config import label as config_lib
from tfx_pipeline.config.label_classes import UNKNOWN_CLASS, spellings
from tfx_pipeline.modeling.categorical import vocabulary_index
from tfx_pipeline.modeling.columns import Column
from tfx_pipeline.modeling.feature import as_column

_VOCABULARY = "label_classes"


@dataclasses.dataclass(frozen=True)
class Label:
    """The column to predict.

    Attributes:
      column: the raw column.
      config: the section `label` of the configuration.
      weight: the raw column with the weight of each row; None if all rows count alike.
    """

    column: Column
    config: config_lib.Label
    weight: Column | None = None

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def task(self) -> str:
        """binary, multiclass or regression."""
        return self.config.task

    def preprocess(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The label [batch, 1]: a class id (int64), or a number (float32); and the weights."""
        if self.task == "regression":
            return {self.name: as_column(self.column.numbers(inputs)), **self._weight(inputs)}
        names = self._class_names(inputs)
        known = self.config.classes or (("0", "1") if self.task == "binary" else ())
        # As in label_classes: classes that are called no and yes may be spelled in other ways.
        if other := spellings(known):
            ids = _class_ids(tf.strings.lower(names), other)
        elif known:
            ids = _class_ids(names, [(name,) for name in known])
        else:
            ids = vocabulary_index(names, _VOCABULARY)
        return {self.name: as_column(ids, tf.int64), **self._weight(inputs)}

    def _weight(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The weight of each row, float32 [batch, 1]; 0 where it is missing or negative."""
        if self.weight is None:
            return {}
        weights = self.weight.numbers(inputs, missing=0.0)
        return {self.weight.name: as_column(tf.maximum(weights, 0.0))}

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

    def output_units(self, transform: tft.TFTransformOutput) -> int:
        """How many numbers the network returns for a row.

        One logit for two classes, one for each of several classes, and one
        number for regression.
        """
        return len(self.classes(transform)) if self.task == "multiclass" else 1

    def _class_names(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        """The label as string [batch]; a float such as 1.0 means the class "1"."""
        if self.column.dtype != tf.float32:
            return self.column.strings(inputs)
        values = self.column.numbers(inputs)
        whole = tf.strings.as_string(tf.cast(tf.math.round(values), tf.int64))
        as_text = tf.where(tf.equal(values, tf.math.round(values)), whole, "")
        return tf.where(tf.math.is_nan(values), "", as_text)


def _class_ids(names: tf.Tensor, classes: Sequence[Sequence[str]]) -> tf.Tensor:
    """int64 [batch]: the index of the class that has each name, or UNKNOWN_CLASS.

    Args:
      names: string [batch].
      classes: all names of each class.
    """
    spellings = [spelling for class_ in classes for spelling in class_]
    ids = [index for index, class_ in enumerate(classes) for _ in class_]
    matches = tf.equal(names[:, tf.newaxis], spellings)
    found = tf.where(matches, tf.constant(ids, tf.int64), tf.constant(UNKNOWN_CLASS, tf.int64))
    return tf.reduce_max(found, axis=1)
