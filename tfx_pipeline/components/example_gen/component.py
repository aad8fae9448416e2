"""ExampleGen: tables to tf.Examples, split by hash, encoded column by column.

Splits are those of TFX's CsvExampleGen. Differences: missing values count as missing
(see `common.example_encoder`), the schema's types are used for the columns it has, only
a change of the content runs the node again, and data that cannot be read is refused
with file, line and column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tfx import types
from tfx.components.example_gen import utils
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from tfx_pipeline import errors
from tfx_pipeline.components.example_gen.driver import Driver
from tfx_pipeline.components.example_gen.executor import Executor


class ExampleGenSpec(ComponentSpec):
    """The parameters of TFX's FileBasedExampleGen, and those for tables."""

    PARAMETERS = {
        "input_base": ExecutionParameter(type=str),
        "input_config": ExecutionParameter(type=example_gen_pb2.Input),
        "output_config": ExecutionParameter(type=example_gen_pb2.Output),
        "output_data_format": ExecutionParameter(type=int),
        "output_file_format": ExecutionParameter(type=int),
        "range_config": ExecutionParameter(type=range_config_pb2.RangeConfig, optional=True),
        "format": ExecutionParameter(type=str),
        "schema_path": ExecutionParameter(type=str, optional=True),
        "delimiter": ExecutionParameter(type=str),
        "exclude": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class ExampleGen(base_beam_component.BaseBeamComponent):
    """Reads tables and writes tf.Examples in splits.

    Args:
      input_base: a folder, a file, or a path with TFX's {SPAN}, {VERSION}, {YYYY},
        {MM}, {DD}; can change at run time.
      format: csv, parquet or tfrecord.
      split: hash buckets by split, for example train 6, eval 2, test 2.
      schema_path: the schema with the columns' types; without it they are inferred.
      delimiter: the separator of values in a CSV file.
      exclude: columns to leave out.
      label: the label's column, which cannot be left out.
    """

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        input_base: str | RuntimeParameter,
        format: str = "csv",
        split: Mapping[str, int] | None = None,
        schema_path: str | None = None,
        delimiter: str = ",",
        exclude: Iterable[str] = (),
        label: str = "",
    ):
        exclude = sorted(exclude)
        if label in exclude:
            raise errors.ConfigError(errors.Problem("data.exclude", f"has the label {label!r}"))
        super().__init__(
            spec=ExampleGenSpec(
                input_base=input_base,
                input_config=utils.make_default_input_config(),
                output_config=_output_config(split or {"train": 6, "eval": 2, "test": 2}),
                output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
                output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
                format=format,
                schema_path=schema_path,
                delimiter=delimiter,
                exclude=json.dumps(exclude),
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )


def _output_config(split: Mapping[str, int]) -> example_gen_pb2.Output:
    splits = [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=buckets)
        for name, buckets in split.items()
        if buckets > 0
    ]
    return example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=splits))
