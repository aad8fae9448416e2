"""Evaluator: TFX's component and files, with metrics added up by column."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util
from tfx import types
from tfx.components.evaluator import component
from tfx.dsl.components.base import base_beam_executor, base_component, executor_spec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils, path_utils, proto_utils

from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.components.evaluator import beam_pipeline
from tfx_pipeline.components.evaluator import eval_config as evaluation_config
from tfx_pipeline.components.evaluator import results as evaluation_results

_log = logging.getLogger(__name__)

_SPLIT = "test"


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's EvaluatorSpec that also knows the task."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "task": ExecutionParameter(type=str),
    }


class Executor(base_beam_executor.BaseBeamExecutor):
    """Evaluates the candidate, and the baseline where there is one; always says its blessing."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates and blesses.

        Without thresholds a model that could be evaluated is blessed.

        Raises:
          Refused: the model cannot be scored, because it cannot be served.
          NodeError: the model does not answer what the task needs, or no row has a label.
        """
        model = artifact_utils.get_single_instance(input_dict["model"])
        baseline = _baseline(input_dict, model)
        config = _config(exec_properties, baseline is not None)
        output = artifact_utils.get_single_uri(output_dict["evaluation"])
        split = (json_utils.loads(exec_properties["example_splits"]) or [_SPLIT])[0]
        transform = beam_pipeline.evaluate(
            example_files.files(input_dict["examples"], split),
            _folders(model, baseline),
            exec_properties["task"],
            config,
            output,
        )
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | "Evaluate" >> transform
        result = evaluation_results.read(output, config)
        evaluation_results.store(result, output_dict["evaluation"][0])
        evaluation_results.bless(result, output_dict["blessing"][0], model, baseline)
        _log.info("Evaluator: %s; blessed: %s", result.metrics, result.blessed)


def _baseline(
    input_dict: dict[str, list[types.Artifact]], model: types.Artifact
) -> types.Artifact | None:
    """The baseline; none when it is the candidate itself."""
    given = input_dict.get("baseline_model") or []
    others = [b for b in given if b.uri != model.uri and not (b.id and b.id == model.id)]
    return others[0] if others else None


def _config(exec_properties: dict[str, Any], has_baseline: bool) -> config_pb2.EvalConfig:
    config = config_pb2.EvalConfig()
    proto_utils.json_to_proto(exec_properties["eval_config"], config)
    config = config_util.update_eval_config_with_defaults(
        config, has_baseline=has_baseline, rubber_stamp=True
    )
    config_util.verify_eval_config(config)
    return config


def _folders(model: types.Artifact, baseline: types.Artifact | None) -> dict[str, str]:
    folder = path_utils.serving_model_path(model.uri)
    if baseline is None:
        return {"": folder}
    return {
        constants.CANDIDATE_KEY: folder,
        constants.BASELINE_KEY: path_utils.serving_model_path(baseline.uri),
    }


class Evaluator(component.Evaluator):
    """Evaluates a model on the test split and blesses it when it meets its thresholds.

    Args:
      examples: raw examples.
      model: the candidate.
      baseline_model: a channel of at most one model to compare with.
      label: the label's column.
      task: binary, multiclass or regression.
      metrics: names of `tfx_pipeline.config.metric_catalog` with their thresholds: `min`, `max`,
        `not_worse_than_baseline_by`, or None. They hold for all rows together.
      slices: lists of columns; metrics are computed for each combination of values.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel | None,
        label: str,
        task: str,
        metrics: Mapping[str, Mapping[str, float] | None],
        slices: Sequence[Sequence[str]] = (),
    ):
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            eval_config=evaluation_config.eval_config(label, task, metrics, slices),
            example_splits=json_utils.dumps([_SPLIT]),
            task=task,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        # TFX's own constructor makes a spec without the task.
        base_component.BaseComponent.__init__(self, spec=spec)
