"""Runs an executor as a node without Beam arguments does: patched, in this process."""

from __future__ import annotations


class AsNode:
    """What the launcher makes of a Beam executor's class."""

    def __init__(self, executor):
        self._executor = executor

    def Do(self, inputs, outputs, properties):
        from tfx_pipeline.compat import in_process_beam

        context = self._executor.Context(make_beam_pipeline_fn=in_process_beam.make_pipeline)
        with in_process_beam.patched():
            return self._executor(context).Do(inputs, outputs, properties)
