"""DataGate: stops the run where ExampleValidator only writes down what it found.

TFX's ExampleValidator completes whatever the anomalies are. This component reads them,
adds what a schema cannot express about a label, and refuses the data.
"""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_pipeline.components.data_gate.executor import Executor


class DataGateSpec(ComponentSpec):
    """Inputs: anomalies, statistics, schema. No outputs: the node passes, warns or refuses."""

    PARAMETERS = {
        "label": ExecutionParameter(type=str),
        "task": ExecutionParameter(type=str),
        "on_anomaly": ExecutionParameter(type=str),
    }
    INPUTS = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
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
      on_anomaly: `fail` refuses (exit code 3), `warn` only logs.
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
    ):
        super().__init__(
            DataGateSpec(
                anomalies=anomalies,
                statistics=statistics,
                schema=schema,
                label=label,
                task=task,
                on_anomaly=on_anomaly,
            )
        )
