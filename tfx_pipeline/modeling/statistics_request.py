"""One pass over the data for everything the numeric columns want to know.

An analyzer costs Transform about 0.3 s whatever it computes, so all columns
are stacked into one tensor and summarised by a single analyzer.
"""

from __future__ import annotations

import dataclasses
import itertools

import tensorflow as tf
import tensorflow_transform as tft


@dataclasses.dataclass(frozen=True)
class Request:
    """What is wanted of one column.

    Attributes:
      values: float64 [batch]; NaN where there is no value.
      mode: whether the most frequent value is wanted; it counts every distinct value.
      quantiles: numbers of equal parts whose boundaries are wanted; 2 is the median.
    """

    values: tf.Tensor
    mode: bool = False
    quantiles: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Summary:
    """The answer, fitted on the training split; all 0 for a column without values."""

    mean: tf.Tensor
    std: tf.Tensor
    min: tf.Tensor
    max: tf.Tensor
    mode: tf.Tensor
    boundaries: dict[int, tf.Tensor]

    @property
    def median(self) -> tf.Tensor:
        return self.boundaries[2][0]


def summarize(requests: dict[str, Request]) -> dict[str, Summary]:
    """Summarises all requested columns over the whole training split.

    Returns:
      For each request a Summary of tensors, known when the analysis has run.
    """
    if not requests:
        return {}
    # Beam is needed while Transform analyses, and costs seconds in the trainer.
    from tfx_pipeline.modeling import statistics_combiner

    wanted = tuple((request.mode, request.quantiles) for request in requests.values())
    stacked = tf.stack([request.values for request in requests.values()], axis=1)
    (flat,) = tft.experimental.ptransform_analyzer(
        inputs=[stacked],
        ptransform=statistics_combiner.summarize_columns(wanted),
        output_dtypes=[tf.float64],
        output_shapes=[[statistics_combiner.output_size(wanted)]],
    )
    return _unpack(flat, requests)


def _unpack(flat: tf.Tensor, requests: dict[str, Request]) -> dict[str, Summary]:
    """Takes the analyzer's vector apart, in as few operations as there can be."""
    parts = [size - 1 for request in requests.values() for size in request.quantiles]
    numbers, *boundaries = tf.split(flat, [5 * len(requests), *parts])
    numbers, boundaries = iter(tf.unstack(numbers)), iter(boundaries)
    return {
        name: Summary(
            *itertools.islice(numbers, 5), {size: next(boundaries) for size in request.quantiles}
        )
        for name, request in requests.items()
    }
