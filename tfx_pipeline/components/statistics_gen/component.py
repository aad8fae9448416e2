"""StatisticsGen: TFX's component with an executor that computes all splits in one pass."""

from __future__ import annotations

from tfx import types
from tfx.components.statistics_gen import component
from tfx.dsl.components.base import executor_spec

from tfx_pipeline.components.statistics_gen.executor import Executor


class StatisticsGen(component.StatisticsGen):
    """TFX's StatisticsGen for every split.

    Args:
      examples: raw examples.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: types.BaseChannel):
        super().__init__(examples=examples)
