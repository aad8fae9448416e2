"""Transform: TFX's component, with an executor that works on record batches where it can."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.transform import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

from tfx_pipeline.components.transform.executor import STATISTICS, Executor


class TransformSpec(standard_component_specs.TransformSpec):
    """TFX's TransformSpec with statistics as one more input."""

    INPUTS = {
        **standard_component_specs.TransformSpec.INPUTS,
        STATISTICS: ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
    }


class Transform(component.Transform):
    """TFX's Transform, with TFX's arguments and outputs, and with one more input.

    A `preprocessing_fn` by dotted path runs over record batches if `force_tf_compat_v1`,
    `disable_statistics` and `disable_analyzer_cache` are set. It receives the schema's text
    as `custom_config["schema"]`, if it takes `custom_config`. Whatever else is asked for,
    TFX's executor does; it reads and writes tf.Examples in batches too.

    Args:
      arguments: those of TFX's Transform.
      statistics: StatisticsGen's output. With it, what the sections `features` and `label` of
        `custom_config` leave out is decided from the training split, and written beside the
        transform graph.
    """

    SPEC_CLASS = standard_component_specs.TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, *arguments: Any, statistics: types.BaseChannel | None = None, **named: Any):
        super().__init__(*arguments, **named)
        if statistics is not None:
            spec = self.spec
            given = {**spec.inputs, **spec.outputs, **spec.exec_properties}
            # The constructor of TFX's class has made a spec without the statistics.
            base_component.BaseComponent.__init__(
                self, spec=TransformSpec(**{STATISTICS: statistics}, **given)
            )
