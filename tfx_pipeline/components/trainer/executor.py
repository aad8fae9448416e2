"""Trainer's executor: calls the user's `run_fn` with TFX's FnArgs."""

from __future__ import annotations

import json
import logging
from typing import Any

from tfx.components.trainer import executor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs
from tfx.utils import json_utils

from tfx_pipeline import errors
from tfx_pipeline.compat.autograph_rules import transform_not_converted
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.executor_outcome import reports_refusals
from tfx_pipeline.components.trainer import history, multi_worker
from tfx_pipeline.config.training import RUNTIME_PARAMETERS
from tfx_pipeline.user_code import loader as user_functions

_log = logging.getLogger(__name__)


class Executor(executor.GenericExecutor):
    """Calls run_fn with TFX's FnArgs."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Trains.

        Raises:
          LoadError: run_fn cannot be loaded.
          NodeError: run_fn saved no model, or a worker of several failed.
        """
        if "steps" not in exec_properties:
            _log.info("Trainer: by TFX's executor, because it has TFX's arguments")
            with transform_not_converted():
                super().Do(input_dict, output_dict, exec_properties)
            return
        workers = multi_worker.workers_of(exec_properties)
        if workers > 1:
            multi_worker.train(input_dict, output_dict, exec_properties, workers)
        else:
            self.train(input_dict, output_dict, exec_properties)

    def train(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Trains in this process; raises as `Do`."""
        run_fn = user_functions.load(exec_properties["run_fn"])
        fn_args = self._GetFnArgs(input_dict, output_dict, _stock_properties(exec_properties))
        run_fn(fn_args)
        if not fileio.exists(fn_args.serving_model_dir):
            raise errors.NodeError(
                f"{exec_properties['run_fn']} returned without saving a model at "
                f"fn_args.serving_model_dir ({fn_args.serving_model_dir})"
            )
        history.write(fn_args.model_run_dir)


def _stock_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """The parameters as TFX's own Trainer expects them."""
    config = json_utils.loads(exec_properties["custom_config"]) or {}
    # 0 stands for no value, because a parameter of TFX cannot have none.
    training = {name: exec_properties[name] or None for name in RUNTIME_PARAMETERS}
    config["training"] = {**config.get("training", {}), **training}
    return {
        **exec_properties,
        standard_component_specs.CUSTOM_CONFIG_KEY: json_utils.dumps(config),
        standard_component_specs.TRAIN_ARGS_KEY: json.dumps(
            {"splits": ["train"], "num_steps": exec_properties["steps"]}
        ),
        standard_component_specs.EVAL_ARGS_KEY: json.dumps({"splits": ["eval"]}),
    }
