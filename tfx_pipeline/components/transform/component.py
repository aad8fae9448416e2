"""Transform: TFX's component for a preprocessing function with the schema in its configuration."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.transform import component
from tfx.dsl.components.base import executor_spec
from tfx.proto import transform_pb2

from tfx_pipeline.components.transform.executor import Executor


class Transform(component.Transform):
    """TFX's Transform for a `preprocessing_fn(inputs, custom_config)` by dotted path.

    Args:
      examples: raw examples.
      schema: the schema; its text is passed to the function in `custom_config["schema"]`.
      preprocessing_fn: dotted path of the function.
      custom_config: other values for the function.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        schema: types.BaseChannel,
        preprocessing_fn: str,
        custom_config: dict[str, Any],
    ):
        super().__init__(
            examples=examples,
            schema=schema,
            preprocessing_fn=preprocessing_fn,
            custom_config=custom_config,
            splits_config=transform_pb2.SplitsConfig(
                analyze=["train"], transform=["train", "eval"]
            ),
            disable_statistics=True,
            disable_analyzer_cache=True,
        )
