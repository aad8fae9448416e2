"""Creates elements that several Beam workers can share.

Without a reshuffle, Beam fuses the steps after `beam.Create` with it into one stage,
which a single worker runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.runners.direct import direct_runner


class ReshuffledCreate(beam.PTransform):
    """`beam.Create` with a reshuffle, so that each element can go to another worker.

    In one process there is only one worker, and a reshuffle would only put the
    elements into a random order: each run would write other bytes for the same data.
    So there the elements keep their order.
    """

    def __init__(self, elements: Iterable[Any]):
        super().__init__()
        self._elements = list(elements)

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        """Adds the elements to a pipeline."""
        reshuffle = len(self._elements) > 1 and not _is_one_process(pbegin.pipeline)
        return pbegin | beam.Create(self._elements, reshuffle=reshuffle)


def _is_one_process(pipeline: beam.Pipeline) -> bool:
    mode = pipeline.options.view_as(pipeline_options.DirectOptions).direct_running_mode
    return isinstance(pipeline.runner, direct_runner.SwitchingDirectRunner) and mode == "in_memory"
