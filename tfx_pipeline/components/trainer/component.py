"""Trainer: a user's `run_fn` with flat, typed parameters that can change at run time.

TFX cannot replace runtime parameters that are nested in `train_args` or `custom_config`:
the user's function would get the placeholder objects. So steps, batch size and learning
rate are parameters of this component, and its executor puts their values into
`custom_config["training"]`.
"""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import standard_artifacts, system_executions
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import json_utils

from tfx_pipeline.components.trainer.executor import Executor


class TrainerSpec(ComponentSpec):
    """TFX's Trainer with flat parameters."""

    PARAMETERS = {
        "run_fn": ExecutionParameter(type=str),
        "custom_config": ExecutionParameter(type=str),
        "steps": ExecutionParameter(type=int),
        "batch_size": ExecutionParameter(type=int),
        "learning_rate": ExecutionParameter(type=float),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
    }
    TYPE_ANNOTATION = system_executions.Train


class Trainer(base_component.BaseComponent):
    """Trains a model with a `run_fn(fn_args)` by dotted path.

    Args:
      examples: transformed examples.
      transform_graph: Transform's graph.
      schema: the schema of the raw examples.
      run_fn: dotted path of the function.
      custom_config: other values for the function, in `fn_args.custom_config`.
      steps: training steps.
      batch_size: rows of one step.
      learning_rate: the optimizer's learning rate.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        schema: types.BaseChannel,
        run_fn: str,
        custom_config: dict[str, Any],
        steps: int | RuntimeParameter,
        batch_size: int | RuntimeParameter,
        learning_rate: float | RuntimeParameter,
    ):
        super().__init__(
            TrainerSpec(
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                run_fn=run_fn,
                custom_config=json_utils.dumps(custom_config),
                steps=steps,
                batch_size=batch_size,
                learning_rate=learning_rate,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
