"""Tuner: TFX's component, and a search with Optuna that needs no code of the user."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tfx import types
from tfx.components.tuner import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils

from tfx_pipeline.components.tuner.executor import Executor


class TunerSpec(standard_component_specs.TunerSpec):
    """TFX's Tuner with the section `tuning` instead of a `tuner_fn`."""

    PARAMETERS = {
        "run_fn": ExecutionParameter(type=str),
        "custom_config": ExecutionParameter(type=str),
        "tuning": ExecutionParameter(type=str),
    }


class Tuner(component.Tuner):
    """Finds hyperparameters.

    Either with `tuning`: Optuna chooses values, and `run_fn` trains with them as it does in the
    Trainer. Or with the arguments of TFX's Tuner, such as `tuner_fn` or `module_file`, whose
    executor does the work then.

    Args:
      tfx_positional: those of TFX's Tuner.
      tuning: the section `tuning` of the configuration as plain data.
      fixed: parameters that the default space leaves out.
      run_fn: dotted path of the function that trains.
      custom_config: what the function finds in `fn_args.custom_config`.
      tfx_arguments: the other arguments of TFX's Tuner.

    Outputs: `best_hyperparameters`, for the Trainer's `hyperparameters`, and `tuner_results`.
    """

    SPEC_CLASS = standard_component_specs.TunerSpec

    def __init__(
        self,
        *tfx_positional: Any,
        tuning: dict[str, Any] | None = None,
        fixed: Iterable[str] = (),
        **tfx_arguments: Any,
    ):
        if tuning is None:
            super().__init__(*tfx_positional, **tfx_arguments)
            return
        tfx_arguments["custom_config"] = json_utils.dumps(tfx_arguments["custom_config"])
        spec = TunerSpec(
            tuning=json.dumps({"settings": tuning, "fixed": sorted(fixed)}, sort_keys=True),
            best_hyperparameters=types.Channel(type=standard_artifacts.HyperParameters),
            tuner_results=types.Channel(type=standard_artifacts.TunerResults),
            **tfx_arguments,
        )
        # The constructor of TFX's class would make a spec without these parameters.
        base_component.BaseComponent.__init__(
            self, spec=spec, custom_executor_spec=executor_spec.ExecutorClassSpec(Executor)
        )
