"""Evaluator: TFX's component, with a threshold for each metric and the task as a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.components.evaluator import component
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import json_utils

from tfx_pipeline.components.evaluator.eval_config import Thresholds, eval_config
from tfx_pipeline.components.evaluator.executor import SPLIT, Executor


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's EvaluatorSpec with the task as one more parameter."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        "task": ExecutionParameter(type=str, optional=True),
    }


class Evaluator(component.Evaluator):
    """Evaluates a model and blesses it if it meets its thresholds.

    Either with `label`, `task`, `metrics` and `slices`; or with the arguments of TFX's
    Evaluator, whose executor does the work then.

    Args:
      examples: raw examples.
      model: the candidate.
      baseline_model: a channel of at most one model to compare with.
      label: the label's column.
      task: binary, multiclass or regression.
      metrics: names of `tfx_pipeline.config.metric_catalog`, each with its thresholds
        (`min`, `max`, `not_worse_than_baseline_by`) or None. Thresholds hold for all rows
        together, not for each slice.
      slices: lists of columns; metrics are computed for each combination of values.
      weight: the column with the weight of each row (TFMA's example weights); None if all rows
        count alike.
      example_splits: the splits to evaluate on. By default test; without `task`, as TFX does, eval.
      tfx_arguments: the other arguments of TFX's Evaluator, such as `eval_config`.
    """

    SPEC_CLASS = standard_component_specs.EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel | None = None,
        baseline_model: types.BaseChannel | None = None,
        *tfx_positional: Any,
        label: str = "",
        task: str = "",
        metrics: Mapping[str, Thresholds] | None = None,
        slices: Sequence[Sequence[str]] = (),
        weight: str | None = None,
        example_splits: Sequence[str] | None = None,
        **tfx_arguments: Any,
    ):
        if not task:
            if example_splits is not None:
                tfx_arguments["example_splits"] = list(example_splits)
            super().__init__(examples, model, baseline_model, *tfx_positional, **tfx_arguments)
            return
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            eval_config=eval_config(label, task, metrics or {}, slices, weight),
            example_splits=json_utils.dumps([*(example_splits or [SPLIT])]),
            task=task,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        # The constructor of TFX's class would make a spec without the task.
        base_component.BaseComponent.__init__(self, spec=spec)
