"""Trainer: a user's `run_fn` with flat, typed parameters that can change at run time.

TFX cannot replace runtime parameters that are nested in `train_args` or `custom_config`:
the user's function would get the placeholder objects. So steps, batch size and learning
rate are parameters of this component, and its executor puts their values into
`custom_config["training"]`.
"""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.trainer import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_pipeline.components.trainer.executor import Executor


class TrainerSpec(standard_component_specs.TrainerSpec):
    """TFX's Trainer with flat parameters, which can change at run time."""

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
        "hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
    }


class Trainer(component.Trainer):
    """Trains a model with a `run_fn(fn_args)`.

    Either with `steps`, `batch_size` and `learning_rate`, which may be runtime parameters
    and reach the function in `fn_args.custom_config["training"]`; or with the arguments of
    TFX's Trainer, whose executor does the work then.

    Args:
      tfx_positional: those of TFX's Trainer, whose order is not the same in all versions.
      examples: transformed examples.
      transform_graph: Transform's graph.
      schema: the schema of the raw examples.
      hyperparameters: a Tuner's best values, which the function finds in
        `fn_args.hyperparameters["values"]`.
      run_fn: dotted path of the function.
      custom_config: other values for the function, in `fn_args.custom_config`.
      steps: training steps; 0 stands for no value, here and below.
      batch_size: rows of one step.
      learning_rate: the optimizer's learning rate.
      tfx_arguments: the other arguments of TFX's Trainer, such as `module_file`.
    """

    SPEC_CLASS = standard_component_specs.TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        *tfx_positional: Any,
        steps: int | RuntimeParameter | None = None,
        batch_size: int | RuntimeParameter | None = None,
        learning_rate: float | RuntimeParameter | None = None,
        **tfx_arguments: Any,
    ):
        if steps is None:
            super().__init__(*tfx_positional, **tfx_arguments)
            return
        tfx_arguments["custom_config"] = json_utils.dumps(tfx_arguments["custom_config"])
        spec = TrainerSpec(
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
            **tfx_arguments,
        )
        # The constructor of TFX's class would make a spec without these parameters.
        base_component.BaseComponent.__init__(self, spec=spec)
