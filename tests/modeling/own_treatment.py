"""A treatment of one's own that derives from `Feature` only."""

from __future__ import annotations

import math
from typing import Annotated

import tensorflow as tf
import tf_keras
from pydantic import Field
from typing_extensions import override

from tfx_pipeline.modeling.column_statistics import StatisticsRequest
from tfx_pipeline.modeling.feature import Feature, as_column, number_input


class Cyclic(Feature):
    """A place on a circle; the mean replaces missing values."""

    period: Annotated[float, Field(gt=0)]

    accepts = ("INT", "FLOAT")

    @override
    def statistics(self, inputs):
        return {self.name: StatisticsRequest(self.column.numbers(inputs))}

    @override
    def preprocess(self, inputs, statistics):
        values = self.column.numbers(inputs, statistics[self.name].mean)
        angle = values * (2 * math.pi / self.period)
        sine, cosine = self._names()
        parts = {sine: as_column(tf.sin(angle)), cosine: as_column(tf.cos(angle))}
        return {**parts, **self.missing_indicator(inputs)}

    @override
    def model_inputs(self):
        sine, cosine = self._names()
        return {**number_input(sine), **number_input(cosine), **self.indicator_inputs()}

    @override
    def encode(self, inputs, transform):
        return [tf_keras.layers.Concatenate()(list(inputs.values()))]

    def _names(self):
        return f"{self.name}_sine", f"{self.name}_cosine"


class Broken(Cyclic):
    """Fails in `preprocess`."""

    @override
    def preprocess(self, inputs, statistics):
        return {self.name: self.column.numbers(inputs).no_such_attribute}
