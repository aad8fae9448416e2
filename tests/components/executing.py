"""Runs an executor as a node does without Beam arguments: tuned, in this process."""

from __future__ import annotations


class AsNode:
    """What `_BeamOperator` makes of a Beam executor's class."""

    def __init__(self, executor):
        self._executor = executor

    def Do(self, inputs, outputs, properties):
        from tfx_pipeline.components import beam_in_process, beam_tuning

        context = self._executor.Context(make_beam_pipeline_fn=beam_in_process.make_pipeline)
        with beam_tuning.quick(), beam_in_process.quick():
            return self._executor(context).Do(inputs, outputs, properties)
