"""Evaluator's executor: TFMA's files and TFX's blessing, from metrics computed in batches."""

from __future__ import annotations

import logging
from typing import Any

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util
from tfx import types
from tfx.components.evaluator import executor as tfx_executor
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils
from tfx.utils import json_utils, path_utils, proto_utils

from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import EVALUATION_ROWS
from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.artifacts import Artifacts
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.executor_outcome import (
    causes,
    completed_output,
    reports_refusals,
)
from tfx_pipeline.components.evaluator import evaluation, results, row_labels
from tfx_pipeline.errors import Finding

_log = logging.getLogger(__name__)

SPLIT = "test"
"""The split that models are evaluated on by default."""


class Executor(BeamExecutor, tfx_executor.Executor):
    """Evaluates the candidate, and the baseline if there is one; always writes a blessing.

    With an EvalConfig of the user's own, TFX's executor does the work.
    """

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput | None:
        """Evaluates and blesses.

        Without thresholds a model that could be evaluated is blessed. A baseline that cannot
        read the rows, or does not know their labels, is not compared with, nor is a metric that
        is not defined for it. The node says so.

        Raises:
          Refused: the model cannot be scored, because it cannot be served.
          NodeError: the model's outputs are not those of the task, or no row has a label.
        """
        if not exec_properties.get("task"):
            _log.info("Evaluator: by TFX's executor, because eval_config is given")
            with applied([EVALUATION_ROWS]):
                super().Do(input_dict, output_dict, exec_properties)
            return None
        model = artifact_utils.get_single_instance(input_dict["model"])
        baseline = _baseline(input_dict, model)
        message = ""
        try:
            result = self._evaluate(input_dict, output_dict, exec_properties, baseline)
            findings = [*result.not_compared]
            if findings:
                names = ", ".join(finding.subject for finding in findings)
                message = f"the baseline was not compared by {names}: not defined for the baseline"
        except Exception as error:
            failed = [e for e in causes(error) if isinstance(e, row_labels.BaselineError)]
            if baseline is None or not failed:
                raise
            message = "the baseline was not compared: it cannot be evaluated on these rows"
            findings = [Finding("baseline", "reads the rows", str(failed[-1]))]
            self._evaluate(input_dict, output_dict, exec_properties, None)
        return completed_output(output_dict, message, findings) if message else None

    def _evaluate(
        self,
        input_dict: Artifacts,
        output_dict: Artifacts,
        exec_properties: dict[str, Any],
        baseline: types.Artifact | None,
    ) -> results.Result:
        model = artifact_utils.get_single_instance(input_dict["model"])
        config = _config(exec_properties, baseline is not None)
        output = artifact_utils.get_single_uri(output_dict["evaluation"])
        splits = json_utils.loads(exec_properties["example_splits"]) or [SPLIT]
        evaluate = evaluation.Evaluate(
            [f for split in splits for f in example_files.files(input_dict["examples"], split)],
            _folders(model, baseline),
            exec_properties["task"],
            config,
            output,
        )
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | "Evaluate" >> evaluate
        result = results.read(output, config)
        results.store(result, output_dict["evaluation"][0])
        results.bless(result, output_dict["blessing"][0], model, baseline)
        _log.info("Evaluator: %s; blessed: %s", result.metrics, result.blessed)
        return result


def _baseline(input_dict: Artifacts, model: types.Artifact) -> types.Artifact | None:
    """The baseline; None if there is none, or if it is the candidate itself."""
    for baseline in input_dict.get("baseline_model") or []:
        if baseline.uri != model.uri and not (baseline.id and baseline.id == model.id):
            return baseline
    return None


def _config(exec_properties: dict[str, Any], has_baseline: bool) -> config_pb2.EvalConfig:
    config = config_pb2.EvalConfig()
    proto_utils.json_to_proto(exec_properties["eval_config"], config)
    config = config_util.update_eval_config_with_defaults(
        config, has_baseline=has_baseline, rubber_stamp=True
    )
    config_util.verify_eval_config(config)
    return config


def _folders(model: types.Artifact, baseline: types.Artifact | None) -> dict[str, str]:
    """Folders of SavedModels by TFMA's model name; a model alone has the empty name."""
    folder = path_utils.serving_model_path(model.uri)
    if baseline is None:
        return {"": folder}
    return {
        constants.CANDIDATE_KEY: folder,
        constants.BASELINE_KEY: path_utils.serving_model_path(baseline.uri),
    }
