"""Elements for as many workers as there are: Beam fuses what follows into one without."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.runners.direct import direct_runner


class CreateSpread(beam.PTransform):
    """`beam.Create` whose elements each may go to another worker.

    With one process there is nobody to spread them to, and spreading would only put
    them into a random order: the same data would give other bytes in each run.
    """

    def __init__(self, elements: Iterable[Any]):
        super().__init__()
        self._elements = list(elements)

    def expand(self, root: beam.Pipeline) -> beam.PCollection:
        """Adds the elements to a pipeline."""
        spread = len(self._elements) > 1 and not _is_one_process(root.pipeline)
        return root | beam.Create(self._elements, reshuffle=spread)


def _is_one_process(pipeline: beam.Pipeline) -> bool:
    mode = pipeline.options.view_as(pipeline_options.DirectOptions).direct_running_mode
    return isinstance(pipeline.runner, direct_runner.SwitchingDirectRunner) and mode == "in_memory"
