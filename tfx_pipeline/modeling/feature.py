"""The base class of all features: a raw column and its transformation.

A feature is transformed in three steps. `statistics` says what must be computed
on the training split, `preprocess` makes tensors of the raw column, and
`model_inputs` and `encode` bring them into the network.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import pydantic
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from typing_extensions import Self

from tfx_pipeline.config.base import Section
from tfx_pipeline.config.features import misfits
from tfx_pipeline.config.treatment import INTEGER, NUMBER, TEXT, SchemaColumn, Treatment
from tfx_pipeline.errors import ConfigError, PipelineError, Problem
from tfx_pipeline.modeling import graph_names
from tfx_pipeline.user_code.loader import describe

if TYPE_CHECKING:
    from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
    from tfx_pipeline.modeling.columns import Column

_TYPES = {"string": TEXT, "int64": INTEGER, "float32": NUMBER}
_Section = TypeVar("_Section", bound=Section)

_MOST_ONE_HOT = 32
"""Categories with more ids than this are embedded."""


def create(column: Column, treatment: Feature, indicator_name: str = "") -> Feature:
    """Creates the feature of a column from its section of the configuration.

    Args:
      column: the raw column.
      treatment: the section.
      indicator_name: see `Feature.of_column`.

    Raises:
      ConfigError: the treatment does not fit the column.
    """
    known = SchemaColumn(column.name, _TYPES[column.dtype.name], column.int_range)
    problems = [
        Problem(f"features.{column.name}", message, remedy)
        for message, remedy in misfits(treatment, known)
    ]
    if problems:
        raise ConfigError(problems)
    return treatment.of_column(column, indicator_name)


@pydantic.model_validator(mode="after")
def require_fill_value(section: _Section) -> _Section:
    """Checks that `missing: constant` and `fill_value` are given together."""
    is_constant = getattr(section, "missing", None) == "constant"
    if is_constant != (getattr(section, "fill_value", None) is not None):
        raise ValueError("'fill_value' and 'missing: constant' require each other")
    return section


class Feature(Treatment):
    """The treatment of a column: settings as fields, and methods that make tensors.

    A configuration holds the settings only. `of_column` gives the feature of one column;
    the methods below need that.
    """

    _column: Column | None = pydantic.PrivateAttr(None)
    _indicator_name: str = pydantic.PrivateAttr("")

    def of_column(self, column: Column, indicator_name: str = "") -> Self:
        """These settings, for one column.

        Args:
          column: the raw column.
          indicator_name: of the tensor that is 1 where the value is missing. Empty: the
            column's name and `_missing`.
        """
        feature = self.model_copy()
        feature._column = column
        feature._indicator_name = indicator_name or f"{column.name}_missing"
        return feature

    @property
    def column(self) -> Column:
        """The raw column."""
        if self._column is None:
            raise TypeError(f"{type(self).__name__} has no column yet; see of_column")
        return self._column

    @property
    def name(self) -> str:
        """The name of the raw column, and of its first transformed tensor."""
        return self.column.name

    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        """Requests statistics of the training split, by keys of your choice.

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
          statistics: what this feature requested, by key.
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

    def ordered(self, inputs: dict[str, Any]) -> list[Any]:
        """Numbers to embed, whose order has a meaning: Keras tensors float32 [batch, 1].

        A tensor that `encode` returned too is replaced by its embedding.

        Args:
          inputs: what `model_inputs` returned.
        """
        return []

    @property
    def multiplications(self) -> float:
        """About how many multiplications `encode` does for a row, as fast as those of dense layers.

        The length of a training depends on it. Few need not be counted.
        """
        return 0.0

    @contextlib.contextmanager
    def named_in_errors(self, method: str) -> Iterator[None]:
        """Reports an error of your own class by the names of column, class and method.

        Raises:
          ConfigError: for any error of a class that is not of this library.
        """
        try:
            yield
        except PipelineError:
            raise
        except Exception as error:
            cls = type(self)
            if cls.__module__.partition(".")[0] == "tfx_pipeline":
                raise
            name = f"{cls.__module__}.{cls.__qualname__}.{method}"
            message = f"{name} raised {describe(error)}"
            raise ConfigError(Problem(f"features.{self.name}", message)) from error

    @property
    def indicator_name(self) -> str:
        """The name of the tensor that is 1 where the value was missing."""
        return self._indicator_name

    def missing_indicator(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """float32 [batch, 1], 1 where the value is missing; empty without `indicator: true`."""
        if not self.indicator:
            return {}
        return {self.indicator_name: as_column(~self.column.present(inputs))}

    def indicator_inputs(self) -> dict[str, Any]:
        """The Keras input for `missing_indicator`."""
        return number_input(self.indicator_name) if self.indicator else {}


def number_input(name: str) -> dict[str, Any]:
    """A Keras input for one number per row, by its name."""
    return {name: tf_keras.Input((1,), name=graph_names.of_column(name), dtype=tf.float32)}


def id_input(name: str) -> dict[str, Any]:
    """A Keras input for one id per row, by its name."""
    return {name: tf_keras.Input((1,), name=graph_names.of_column(name), dtype=tf.int64)}


def embed(ids: Any, name: str, num_ids: int, dim: int | None) -> Any:
    """Embeds ids [batch, 1] in the range 0..num_ids-1.

    Returns:
      [batch, dim]; without `dim`, few ids are one-hot, and of more the width grows with
      their number, up to 16.
    """
    layers, initializers = tf_keras.layers, tf_keras.initializers
    is_one_hot = dim is None and num_ids <= _MOST_ONE_HOT
    dim = dim or (num_ids if is_one_hot else min(16, math.ceil(3 * num_ids**0.25)))
    # A layer with one-hot vectors as its weights: unlike others it takes any id.
    initializer = initializers.Identity() if is_one_hot else initializers.RandomNormal(stddev=0.3)
    embedded = layers.Embedding(
        num_ids,
        dim,
        embeddings_initializer=initializer,
        trainable=not is_one_hot,
        name=graph_names.of_column(name, "embed"),
    )(ids)
    return layers.Flatten(name=graph_names.of_column(name, "flat"))(embedded)


def as_column(values: tf.Tensor, dtype: tf.DType | str = "float32") -> tf.Tensor:
    """[batch] -> [batch, 1], with the dtype that the model takes."""
    return tf.expand_dims(tf.cast(values, dtype), axis=1)
