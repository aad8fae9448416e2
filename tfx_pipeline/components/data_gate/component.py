"""DataGate: stops the run where ExampleValidator only writes down what it found.

TFX's ExampleValidator completes whatever the anomalies are. This component reads them,
adds what a schema cannot express about a label, and refuses the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_pipeline.components.data_gate.executor import Executor


class DataGateSpec(ComponentSpec):
    """Four inputs and no outputs: the node passes, warns or refuses."""

    PARAMETERS = {
        "label": ExecutionParameter(type=str),
        "task": ExecutionParameter(type=str),
        "on_anomaly": ExecutionParameter(type=str),
        "classes": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
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
      examples: raw examples. Without them, labels that are none of the classes are not found.
      classes: the values of the label; None for those that the task has by itself.
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
            )
        )
