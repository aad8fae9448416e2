"""Statistics of the training split, for all columns in one pass over the data.

A TFT analyzer costs Transform about 0.3 s, whatever it computes. So all columns
are stacked into one tensor, and one analyzer computes the statistics of all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import TypeVar

import tensorflow as tf
import tensorflow_transform as tft


@dataclasses.dataclass(frozen=True)
class StatisticsRequest:
    """Which statistics of a column to compute, besides mean, deviation and range.

    Attributes:
      values: float64 [batch]; NaN where there is no value.
      mode: whether to find the most frequent value. This counts every distinct value.
      quantiles: for each number n, compute the boundaries of n equal parts; 2 is the median.
    """

    values: tf.Tensor
    mode: bool = False
    quantiles: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class ColumnStatistics:
    """Statistics of a column on the training split; all 0 for a column without values.

    Attributes:
      mean, std, min, max, mode: float64 scalars.
      boundaries: for each requested number n of parts, float64 [n - 1].
    """

    mean: tf.Tensor
    std: tf.Tensor
    min: tf.Tensor
    max: tf.Tensor
    mode: tf.Tensor
    boundaries: dict[int, tf.Tensor]

    @property
    def median(self) -> tf.Tensor:
        """The boundary between two equal parts; it must have been requested."""
        return self.boundaries[2][0]


_Key = TypeVar("_Key", bound=Hashable)


def compute_statistics(requests: dict[_Key, StatisticsRequest]) -> dict[_Key, ColumnStatistics]:
    """Computes all requested statistics over the whole training split.

    Returns:
      The statistics by the keys of `requests`. As with every TFT analyzer, the
      tensors are placeholders until the analysis of the data has run.
    """
    if not requests:
        return {}
    # Only the analysis needs Beam. In the trainer its import would cost seconds.
    from tfx_pipeline.modeling import statistics_combiner

    wanted = tuple((request.mode, request.quantiles) for request in requests.values())
    (flat,) = tft.experimental.ptransform_analyzer(
        inputs=[tf.stack([request.values for request in requests.values()], axis=1)],
        ptransform=statistics_combiner.combine_statistics(wanted),
        output_dtypes=[tf.float64],
        output_shapes=[[statistics_combiner.output_size(wanted)]],
    )
    return _unpack(flat, requests)


def _unpack(
    flat: tf.Tensor, requests: dict[_Key, StatisticsRequest]
) -> dict[_Key, ColumnStatistics]:
    """Splits the analyzer's vector by column, with as few operations as possible."""
    parts = [size - 1 for request in requests.values() for size in request.quantiles]
    moments, *boundaries = tf.split(flat, [5 * len(requests), *parts])
    scalars, vectors = iter(tf.unstack(moments)), iter(boundaries)
    return {
        name: ColumnStatistics(
            mean=next(scalars),
            std=next(scalars),
            min=next(scalars),
            max=next(scalars),
            mode=next(scalars),
            boundaries={size: next(vectors) for size in request.quantiles},
        )
        for name, request in requests.items()
    }
