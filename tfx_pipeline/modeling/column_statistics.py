"""Statistics of the training split, for all columns in one pass over the data.

A TFT analyzer costs Transform about 0.3 s, whatever it computes. So all columns
are stacked into one tensor, and one analyzer computes the statistics of all.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import itertools
from collections.abc import Hashable, Iterator
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

TENSOR = "column_statistics"
"""The name in the graph of the vector with all statistics."""

_MOMENTS = ("mean", "std", "min", "max", "mode")


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

Learned = dict[str, Any]
"""The statistics of a column as plain values: `mean`, `std`, `min`, `max`, `mode` if it was
requested, and `boundaries` by the number of parts as text."""


@dataclasses.dataclass(frozen=True)
class Analyzed:
    """What the vector of one analyzer contains.

    Attributes:
      keys: of the columns, in order.
      wanted: for each of them, whether the mode was requested, and the numbers of parts.
    """

    keys: tuple[Hashable, ...]
    wanted: tuple[tuple[bool, tuple[int, ...]], ...]

    def values(self, flat: np.ndarray) -> dict[Hashable, Learned]:
        """The statistics by key.

        Args:
          flat: float64 [n], the result of the analyzer.
        """
        moments = flat[: len(_MOMENTS) * len(self.keys)].reshape(-1, len(_MOMENTS)).tolist()
        rest = iter(flat[len(_MOMENTS) * len(self.keys) :].tolist())
        result: dict[Hashable, Learned] = {}
        for key, found, (mode, quantiles) in zip(self.keys, moments, self.wanted):
            learned: Learned = dict(zip(_MOMENTS, found))
            if not mode:
                del learned["mode"]
            parts = {str(n): list(itertools.islice(rest, n - 1)) for n in quantiles}
            result[key] = learned | ({"boundaries": parts} if parts else {})
        return result


_Recorded = dict[str, Analyzed]
_recorded: contextvars.ContextVar[_Recorded | None] = contextvars.ContextVar(
    "recorded", default=None
)


@contextlib.contextmanager
def recording() -> Iterator[_Recorded]:
    """Collects, by the name of its tensor, what each call of `compute_statistics` requests."""
    found: _Recorded = {}
    token = _recorded.set(found)
    try:
        yield found
    finally:
        _recorded.reset(token)


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
    # The analysis replaces the analyzer's tensor by a constant. This name stays in the graph.
    flat = tf.identity(flat, name=TENSOR)
    found = _recorded.get()
    if found is not None:
        found[flat.op.name] = Analyzed(tuple(requests), wanted)
    return _unpack(flat, requests)


def _unpack(
    flat: tf.Tensor, requests: dict[_Key, StatisticsRequest]
) -> dict[_Key, ColumnStatistics]:
    """Splits the analyzer's vector by column, with as few operations as possible."""
    parts = [size - 1 for request in requests.values() for size in request.quantiles]
    moments, *boundaries = tf.split(flat, [len(_MOMENTS) * len(requests), *parts])
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
