"""Transform: TFX's component, with an executor that works on record batches where it can."""

from __future__ import annotations

from tfx.components.transform import component
from tfx.dsl.components.base import executor_spec

from tfx_pipeline.components.transform.executor import Executor


class Transform(component.Transform):
    """TFX's Transform, with TFX's arguments and outputs.

    A `preprocessing_fn` by dotted path runs over record batches if `force_tf_compat_v1`,
    `disable_statistics` and `disable_analyzer_cache` are set. It receives the schema's text
    as `custom_config["schema"]`, if it takes `custom_config`. Whatever else is asked for,
    TFX's executor does.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
