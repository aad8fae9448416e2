"""What every treatment of a column has in common.

A treatment is one class with three answers: what it wants to know of the
training data (`wants`), the tensors it makes of the raw column (`preprocess`),
and how the network takes them in (`model_inputs`, `encode`).
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

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling.columns import Column
from tfx_pipeline.modeling.statistics_request import Request, Summary

_TREATMENTS: dict[str, type[Feature]] = {}


def treats(transform: str) -> Callable[[type[Feature]], type[Feature]]:
    """Registers a class as the treatment that the config calls `transform`."""

    def register(cls: type[Feature]) -> type[Feature]:
        _TREATMENTS[transform] = cls
        return cls

    return register


def make(column: Column, config: Any) -> Feature:
    """Returns the feature for a column and its section of the config.

    Raises:
      ConfigError: if the treatment does not fit the column.
    """
    feature = _TREATMENTS[config.transform](column, config)
    feature.check()
    return feature


@dataclasses.dataclass(frozen=True)
class Feature:
    """A raw column and its treatment.

    Attributes:
      column: the raw column.
      config: its section of the config, one of the classes of `tfx_pipeline.config.models`.
    """

    column: Column
    config: Any

    @property
    def name(self) -> str:
        return self.column.name

    def check(self) -> None:
        """Raises ConfigError where the treatment does not fit the column."""

    def raw_spec(self) -> tf.TensorSpec:
        """What the `columns` signature takes for this feature."""
        return self.column.raw_spec()

    def wants(self, inputs: Mapping[str, Any]) -> dict[str, Request]:
        """What must be known of the training data, by keys that start with the name.

        Args:
          inputs: the raw columns; `column.numbers`, `strings` and `present` read them.
        """
        return {}

    def preprocess(
        self, inputs: Mapping[str, Any], known: dict[str, Summary]
    ) -> dict[str, tf.Tensor]:
        """The transformed tensors, each [batch, 1], named as in `model_inputs`."""
        raise NotImplementedError

    def model_inputs(self) -> dict[str, tf_keras.layers.Layer]:
        """The Keras inputs that take what `preprocess` returns."""
        raise NotImplementedError

    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        """What the network sees: Keras tensors of shape [batch, n]."""
        raise NotImplementedError

    def refuse(self, key: str, message: str, remedy: str = "") -> ConfigError:
        """A ConfigError about this feature's `key`."""
        where = f"features.{self.name}.{key}" if key else f"features.{self.name}"
        return ConfigError(Problem(where, message, remedy))

    @property
    def indicator_name(self) -> str:
        return f"{self.name}_missing"

    def indicator(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """1 where the value was absent, if the config asks for it."""
        if not self.config.indicator:
            return {}
        return {self.indicator_name: as_column(~self.column.present(inputs))}

    def indicator_inputs(self) -> dict[str, Any]:
        return number_inputs(self.indicator_name) if self.config.indicator else {}


def number_inputs(name: str) -> dict[str, Any]:
    """A Keras input for one number a row."""
    return {name: tf_keras.Input(shape=(1,), name=layer_name(name), dtype=tf.float32)}


def id_inputs(name: str) -> dict[str, Any]:
    """A Keras input for one id a row."""
    return {name: tf_keras.Input(shape=(1,), name=layer_name(name), dtype=tf.int64)}


def embed(ids: Any, name: str, size: int, dim: int | None) -> Any:
    """An embedding of ids 0..size-1; without `dim` its width grows with the size."""
    dim = dim or min(16, math.ceil(3 * size**0.25))
    name = layer_name(name)
    embedded = tf_keras.layers.Embedding(size, dim, name=f"{name}_embedding")(ids)
    return tf_keras.layers.Flatten(name=f"{name}_flat")(embedded)


def layer_name(column: str) -> str:
    """The column's name, changed only where TensorFlow does not take it ("Trip Miles (mi)")."""
    if re.fullmatch(r"[A-Za-z]\w*", column, re.ASCII):
        return column
    cleaned = re.sub(r"\W", "_", column, flags=re.ASCII)
    # Two columns may be cleaned to the same name.
    return f"column_{cleaned}_{zlib.crc32(column.encode()):08x}"


def as_column(values: tf.Tensor, dtype: tf.DType = tf.float32) -> tf.Tensor:
    """[batch] -> [batch, 1] of the dtype that the model takes."""
    return tf.expand_dims(tf.cast(values, dtype), axis=1)
