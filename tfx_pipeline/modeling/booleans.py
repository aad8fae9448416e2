"""The treatment of true and false."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import tensorflow as tf
import tensorflow_transform as tft
from typing_extensions import override

from tfx_pipeline.config.columns import FALSE_TEXTS, TRUE_TEXTS
from tfx_pipeline.modeling.column_statistics import ColumnStatistics
from tfx_pipeline.modeling.feature import Feature, as_column, number_input


class Boolean(Feature):
    """1 for true, -1 for false, 0 where the value is missing.

    Of a number, 0 is false and others are true. Of a text, true, t, yes, y and 1 are true, false,
    f, no, n and 0 are false, in any case, and other texts are missing.
    """

    transform: Literal["boolean"]
    """Selects this treatment."""

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        signs = self._signs(inputs)
        outputs = {self.name: as_column(signs)}
        if self.indicator:
            outputs[self.indicator_name] = as_column(tf.equal(signs, 0))
        return outputs

    def _signs(self, inputs: Mapping[str, Any]) -> tf.Tensor:
        if self.column.dtype != tf.string:
            numbers = self.column.numbers(inputs)
            signs = tf.where(tf.equal(numbers, 0.0), -1, 1)
            return tf.where(self.column.present(inputs), signs, 0)
        texts = tf.strings.lower(tf.strings.strip(self.column.strings(inputs)))
        return _among(texts, TRUE_TEXTS) - _among(texts, FALSE_TEXTS)

    @override
    def model_inputs(self) -> dict[str, Any]:
        return {**number_input(self.name), **self.indicator_inputs()}

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        return list(inputs.values())


def _among(texts: tf.Tensor, choices: tuple[str, ...]) -> tf.Tensor:
    """int32 [batch]: 1 where a text is one of the choices."""
    return tf.cast(tf.reduce_any(tf.equal(texts[:, tf.newaxis], choices), axis=1), tf.int32)
