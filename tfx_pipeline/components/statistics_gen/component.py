"""StatisticsGen: TFX's component with an executor that computes all splits in one pass."""

from __future__ import annotations

from tfx.components.statistics_gen import component
from tfx.dsl.components.base import executor_spec

from tfx_pipeline.components.statistics_gen.executor import Executor


class StatisticsGen(component.StatisticsGen):
    """TFX's StatisticsGen, with its arguments and its artifacts.

    Default options are computed from record batches. With a schema or `stats_options`,
    TFX's own executor does the work.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
