"""The treatment of dates and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tensorflow as tf
import tensorflow_transform as tft
from pydantic import Field
from typing_extensions import override

from tfx_pipeline.config.datetime_format import ISO
from tfx_pipeline.config.treatment import TEXT
from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.modeling.batch_cache import CachedBatch
from tfx_pipeline.modeling.column_statistics import ColumnStatistics, StatisticsRequest
from tfx_pipeline.modeling.datetime_parsing import Moments, parse
from tfx_pipeline.modeling.feature import Feature, as_column, embed, id_input, number_input
from tfx_pipeline.modeling.numeric import zscore

Part = Literal["days", "year", "month", "day", "day_of_week", "hour"]

_NUMBERS = ("days", "year")
_SIZES = {"month": (1, 12), "day": (1, 31), "day_of_week": (0, 7), "hour": (0, 24)}
"""The lowest value of a part that becomes an id, and the number of its values."""


class DateTime(Feature):
    """A date or a time from its text: ISO 8601, or the `format` in `columns`.

    Of a text that names an offset from UTC, the parts are those in the column's `zone`. A text that
    is no date is missing.
    """

    transform: Literal["datetime"]
    """Selects this treatment."""
    parts: Annotated[tuple[Part, ...], Field(min_length=1)] = (
        "days",
        "year",
        "month",
        "day_of_week",
        "hour",
    )
    """What the network reads: `days` since a fixed day and the `year` as z-scores, the others as
    embedded categories."""
    indicator: bool = True
    """Adds an input that is 1 where the value is missing, or is no date, and 0 elsewhere."""

    accepts = (TEXT,)

    def _moments(self, inputs: Mapping[str, Any]) -> Moments:
        batch, declared = CachedBatch.wrap(inputs), self.column.declared
        parsed: list[Moments] = []

        def moments() -> Moments:
            if not parsed:
                text_format = (declared.format if declared else None) or ISO
                zone = (declared.zone if declared else None) or ""
                try:
                    parsed.append(parse(self.column.strings(batch), text_format, zone))
                except ValueError as error:
                    where = f"columns.{self.name}"
                    raise ConfigError(Problem(where, str(error))) from error
            return parsed[0]

        # The graph is made for the statistics and for the values; both are the same operations.
        return Moments(
            batch.cached(self.name, "is a date", lambda: moments().valid),
            batch.cached(self.name, "seconds", lambda: moments().seconds),
        )

    def _numbers(self, inputs: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """The parts that are numbers, float64 [batch]; NaN where the value is missing."""
        moments = self._moments(inputs)
        values = {"days": moments.days, "year": moments.date[0]}
        nothing = tf.constant(float("nan"), tf.float64)
        return {
            part: tf.where(moments.valid, tf.cast(values[part], tf.float64), nothing)
            for part in _NUMBERS
            if part in self.parts
        }

    @override
    def statistics(self, inputs: Mapping[str, Any]) -> dict[str, StatisticsRequest]:
        numbers = self._numbers(inputs)
        return {self._key(part): StatisticsRequest(values) for part, values in numbers.items()}

    def _key(self, part: str) -> str:
        """The name of a part's tensor; the first part has the column's name."""
        return self.name if part == self.parts[0] else f"{self.name}.{part}"

    @override
    def preprocess(
        self, inputs: Mapping[str, Any], statistics: dict[str, ColumnStatistics]
    ) -> dict[str, tf.Tensor]:
        moments = self._moments(inputs)
        _, month, day = moments.date
        numbers = self._numbers(inputs)
        values = {
            "month": month,
            "day": day,
            "day_of_week": moments.day_of_week,
            "hour": moments.hour,
        }
        outputs = {}
        for part in self.parts:
            key = self._key(part)
            if part in numbers:
                score = zscore(numbers[part], statistics[key])
                outputs[key] = as_column(tf.where(moments.valid, score, tf.zeros_like(score)))
            else:
                low, _ = _SIZES[part]
                known = values[part] - low + 1  # 0 is missing
                outputs[key] = as_column(tf.where(moments.valid, known, 0), tf.int64)
        if self.indicator:
            outputs[self.indicator_name] = as_column(~moments.valid)
        return outputs

    @override
    def model_inputs(self) -> dict[str, Any]:
        inputs: dict[str, Any] = {}
        for part in self.parts:
            make = number_input if part in _NUMBERS else id_input
            inputs |= make(self._key(part))
        return {**inputs, **self.indicator_inputs()}

    @override
    def ordered(self, inputs: dict[str, Any]) -> list[Any]:
        return [inputs[self._key(part)] for part in self.parts if part in _NUMBERS]

    @override
    def encode(self, inputs: dict[str, Any], transform: tft.TFTransformOutput) -> list[Any]:
        encoded = []
        for name, value in inputs.items():
            part = next((p for p in self.parts if self._key(p) == name), "")
            if part in _SIZES:
                encoded.append(embed(value, name, 1 + _SIZES[part][1], None))
            else:
                encoded.append(value)
        return encoded
