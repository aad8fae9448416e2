"""DataGate: stops the run where ExampleValidator only writes down what it found.

TFX's ExampleValidator completes whatever the anomalies are. This component reads them,
adds what a schema cannot express about a label, and refuses the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_pipeline.components.data_gate.executor import Executor


class DataGateSpec(ComponentSpec):
    """Inputs and no outputs: the node passes, warns or refuses."""

    PARAMETERS = {
        "label": ExecutionParameter(type=str),
        "task": ExecutionParameter(type=str),
        "on_anomaly": ExecutionParameter(type=str),
        "classes": ExecutionParameter(type=str, optional=True),
        "positive": ExecutionParameter(type=str, optional=True),
        "weight": ExecutionParameter(type=str, optional=True),
        "gates": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "baseline_statistics": ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
        ),
        "baseline_examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = {}


class DataGate(base_component.BaseComponent):
    """Refuses data with anomalies.

    Args:
      anomalies: ExampleValidator's output.
      statistics: StatisticsGen's output.
      schema: what the data was validated against.
      label: the label's column.
      task: binary, multiclass or regression.
      on_anomaly: `fail` refuses (exit code 3), `warn` only reports.
      examples: raw examples. Without them, the label's values and the weights are not checked.
      classes: the values of the label; None to find them in the training split.
      positive: the positive one of two classes; None to find it.
      weight: the column with the weight of each row; None if all rows count alike.
      gates: the gates `drift` and `skew`, see `gates.run`, and `bias`, which needs the
        examples; None for none of them.
      baseline_statistics: BaselineStatistics' output, for the gate `drift`.
      baseline_examples: likewise, for the gate `bias`.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        anomalies: types.BaseChannel,
        statistics: types.BaseChannel,
        schema: types.BaseChannel,
        label: str,
        task: str,
        on_anomaly: str,
        examples: types.BaseChannel | None = None,
        classes: Sequence[str] | None = None,
        positive: str | None = None,
        weight: str | None = None,
        gates: Mapping[str, Any] | None = None,
        baseline_statistics: types.BaseChannel | None = None,
        baseline_examples: types.BaseChannel | None = None,
    ):
        super().__init__(
            DataGateSpec(
                anomalies=anomalies,
                statistics=statistics,
                schema=schema,
                label=label,
                task=task,
                on_anomaly=on_anomaly,
                examples=examples,
                classes=json.dumps([*classes]) if classes else None,
                positive=positive,
                weight=weight,
                gates=json.dumps(gates, sort_keys=True) if gates else None,
                baseline_statistics=baseline_statistics,
                baseline_examples=baseline_examples,
            )
        )
