"""ExportCheck: rejects a model that a server could not serve, or would serve wrongly.

It does the work of TFX's InfraValidator without Docker, and emits the same blessing.
"""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_pipeline.components.export_check.executor import Executor


class ExportCheckSpec(ComponentSpec):
    """Inputs: a model and what it was made from. Output: TFX's InfraBlessing."""

    PARAMETERS = {
        "label": ExecutionParameter(type=str),
        "split": ExecutionParameter(type=str),
        "unusual_rows": ExecutionParameter(type=int),
    }
    INPUTS = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
        "schema": ChannelParameter(type=standard_artifacts.Schema, optional=True),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class ExportCheck(base_component.BaseComponent):
    """Blesses a model that can be served as it was trained.

    Args:
      model: the Trainer's model.
      examples: raw examples; rows of one split are sent to the model.
      transform_graph: Transform's graph. With it, the export's answers must be those of
        Transform and the Keras model, one after the other.
      schema: the raw columns and their types; without it, those of the rows.
      label: the label's column, which clients do not send; empty to send all columns.
      split: the split of the rows. TFX's CsvExampleGen makes train and eval.
      unusual_rows: whether unusual rows are sent as well: missing values, unseen texts,
        extreme numbers. Off for a model that may refuse such requests.
    """

    SPEC_CLASS = ExportCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        label: str = "",
        split: str = "test",
        unusual_rows: bool = True,
    ):
        super().__init__(
            ExportCheckSpec(
                model=model,
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                label=label,
                split=split,
                unusual_rows=int(unusual_rows),
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
