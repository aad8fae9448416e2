"""The base class of all features: a raw column and its transformation.

A feature is transformed in three steps. `statistics` says what must be computed
on the training split, `preprocess` makes tensors of the raw column, and
`model_inputs` and `encode` bring them into the network.
"""

from __future__ import annotations

import dataclasses
import math
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras

from tfx_pipeline.config import features as treatments
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.columns import Column

_TRANSFORMATIONS: dict[str, type[Feature]] = {}


def transformation(name: str) -> Callable[[type[Feature]], type[Feature]]:
    """Registers a class for the configuration's `transform: name`."""

    def register(cls: type[Feature]) -> type[Feature]:
        _TRANSFORMATIONS[name] = cls
        return cls

    return register


def create(column: Column, config: treatments.Feature) -> Feature:
    """Creates the feature for a column and its section of the configuration.

    Raises:
      ConfigError: if the transformation does not fit the column.
    """
    feature = _TRANSFORMATIONS[config.transform](column, config)
    feature.check()
    return feature


@dataclasses.dataclass(frozen=True)
class Feature:
    """A raw column and its transformation.

    Attributes:
      column: the raw column.
      config: the column's section below `features` in the configuration.
    """

    column: Column
    config: treatments.Feature

    @property
    def name(self) -> str:
        """The name of the raw column, and of its first transformed tensor."""
        return self.column.name

    def check(self) -> None:
        """Raises ConfigError if the transformation does not fit the column."""

    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        """Requests statistics of the training split; each key starts with the feature's name.

        Args:
          inputs: the raw columns; `column.numbers`, `strings` and `present` read them.
        """
        return {}

    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        """The transformed tensors, each [batch, 1], with the names of `model_inputs`.

        Args:
          inputs: the raw columns.
          statistics: what all features requested, by key.
        """
        raise NotImplementedError

    def model_inputs(self) -> dict[str, Any]:
        """The Keras inputs for the tensors of `preprocess`."""
        raise NotImplementedError

    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        """What the network's first layer reads: Keras tensors of shape [batch, n].

        Args:
          inputs: what `model_inputs` returned.
          transform: Transform's output, for the sizes of vocabularies.
        """
        raise NotImplementedError

    def error(self, key: str, message: str, remedy: str = "") -> ConfigError:
        """A ConfigError about this feature's `key` in the configuration."""
        where = f"features.{self.name}.{key}" if key else f"features.{self.name}"
        return ConfigError(Problem(where, message, remedy))

    @property
    def indicator_name(self) -> str:
        """The name of the tensor that is 1 where the value was missing."""
        return f"{self.name}_missing"

    def indicator(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """float32 [batch, 1], 1 where the value is missing; empty without `indicator: true`."""
        if not self.config.indicator:
            return {}
        return {self.indicator_name: as_column(~self.column.present(inputs))}

    def indicator_inputs(self) -> dict[str, Any]:
        """The Keras input for `indicator`."""
        return number_input(self.indicator_name) if self.config.indicator else {}


def number_input(name: str) -> dict[str, Any]:
    """A Keras input for one number per row, by its name."""
    return {name: tf_keras.Input(shape=(1,), name=layer_name(name), dtype=tf.float32)}


def id_input(name: str) -> dict[str, Any]:
    """A Keras input for one id per row, by its name."""
    return {name: tf_keras.Input(shape=(1,), name=layer_name(name), dtype=tf.int64)}


def embed(ids: Any, name: str, num_ids: int, dim: int | None) -> Any:
    """Embeds ids [batch, 1] in the range 0..num_ids-1.

    Returns:
      [batch, dim]; without `dim`, the width grows with the number of ids, up to 16.
    """
    dim = dim or min(16, math.ceil(3 * num_ids**0.25))
    name = layer_name(name)
    embedded = tf_keras.layers.Embedding(num_ids, dim, name=f"{name}_embedding")(ids)
    return tf_keras.layers.Flatten(name=f"{name}_flat")(embedded)


def layer_name(column: str) -> str:
    """The column's name, changed only if TensorFlow does not accept it ("Trip Miles (mi)")."""
    if re.fullmatch(r"[A-Za-z]\w*", column, re.ASCII):
        return column
    cleaned = re.sub(r"\W", "_", column, flags=re.ASCII)
    # The checksum keeps two columns apart whose cleaned names are equal.
    return f"column_{cleaned}_{zlib.crc32(column.encode()):08x}"


def as_column(values: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """[batch] -> [batch, 1], with the dtype that the model takes."""
    return tf.expand_dims(tf.cast(values, dtype), axis=1)
