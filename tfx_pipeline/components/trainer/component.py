"""Trainer: a user's run_fn with flat, typed parameters that can change at run time.

Runtime parameters nested in TFX's own `train_args` or `custom_config` reach the
user's function as objects. So steps, batch size and learning rate are parameters
of this component and are put into `custom_config["training"]` at run time.
"""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.components.trainer import executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.io import fileio
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import standard_artifacts, standard_component_specs, system_executions
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import json_utils

from tfx_pipeline import errors
from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.user_code import loader as user_functions

_TRAINING = ("steps", "batch_size", "learning_rate")


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


class Executor(executor.GenericExecutor):
    """Calls run_fn with TFX's FnArgs."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains.

        Raises:
          NodeError: run_fn cannot be loaded, or it left no model.
        """
        run_fn = user_functions.load(exec_properties["run_fn"])
        fn_args = self._GetFnArgs(input_dict, output_dict, _stock_properties(exec_properties))
        run_fn(fn_args)
        if not fileio.exists(fn_args.serving_model_dir):
            raise errors.NodeError(
                f"{exec_properties['run_fn']} returned without saving a model at "
                f"fn_args.serving_model_dir ({fn_args.serving_model_dir})"
            )


def _stock_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """The parameters as TFX's own Trainer has them."""
    config = json_utils.loads(exec_properties["custom_config"]) or {}
    training = {name: exec_properties[name] for name in _TRAINING}
    config["training"] = {**config.get("training", {}), **training}
    return {
        **exec_properties,
        standard_component_specs.CUSTOM_CONFIG_KEY: json_utils.dumps(config),
        standard_component_specs.TRAIN_ARGS_KEY: json.dumps(
            {"splits": ["train"], "num_steps": exec_properties["steps"]}
        ),
        standard_component_specs.EVAL_ARGS_KEY: json.dumps({"splits": ["eval"]}),
    }


class Trainer(base_component.BaseComponent):
    """Trains a model with a `run_fn(fn_args)` by dotted path.

    Args:
      examples: transformed examples.
      transform_graph: Transform's graph.
      schema: the schema of the raw examples.
      run_fn: dotted path of the function.
      custom_config: what else the function is given.
      steps: training steps.
      batch_size: rows of one step.
      learning_rate: the optimizer's.
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
