"""ExampleGen: tables to tf.Examples, split by hash, encoded column by column.

Splits are those of TFX's CsvExampleGen. Differences: missing values count as missing
(see `common.example_encoder`), the schema's types are used for the columns it has, only
a change of the content runs the node again, and data that cannot be read is refused
with file, line and column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

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
from tfx_pipeline.config.text_format import TextFormat


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
        "text": ExecutionParameter(type=str),
        "columns": ExecutionParameter(type=str),
        "sql": ExecutionParameter(type=str, optional=True),
        "exclude": ExecutionParameter(type=str),
        "split_rule": ExecutionParameter(type=str, optional=True),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {"examples": ChannelParameter(type=standard_artifacts.Examples)}


class ExampleGen(base_beam_component.BaseBeamComponent):
    """Reads tables and writes tf.Examples in splits.

    Args:
      input_base: a folder, a file, or a path with TFX's {SPAN}, {VERSION}, {YYYY},
        {MM}, {DD}; can change at run time. For format sql, the database's URL.
      format: csv, tsv, jsonl, parquet, orc, avro, tfrecord or sql.
      sql: for format sql, what the database is asked: `url`, and `query` or `table`.
      split: hash buckets by split, for example train 6, eval 2, test 2.
      split_rule: what divides the rows instead of the hash of the whole row: `kind` is by, time,
        column, stratify or folders, and `column` a column; see `split_rules.Rule`.
      range_config: TFX's: one span, or the newest spans; without it the newest.
      schema_path: the schema with the columns' types; without it they are inferred.
      delimiter: the separator of values in a CSV file, if `text` is absent.
      text: how delimited text is written.
      columns: types of columns, as in `columns:`; they come before the schema's.
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
        text: TextFormat | None = None,
        columns: Mapping[str, str | Mapping[str, str]] | None = None,
        sql: Mapping[str, Any] | None = None,
        exclude: Iterable[str] = (),
        label: str = "",
        split_rule: Mapping[str, str] | None = None,
        range_config: range_config_pb2.RangeConfig | None = None,
    ):
        exclude = sorted(exclude)
        if label and label in exclude:
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
                text=(text or TextFormat(delimiter)).to_json(),
                sql=json.dumps(sql, sort_keys=True) if sql else None,
                columns=json.dumps(_declared(columns or {}), sort_keys=True),
                exclude=json.dumps(exclude),
                range_config=range_config,
                split_rule=json.dumps(split_rule, sort_keys=True) if split_rule else None,
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )


def _declared(columns: Mapping[str, str | Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    return {n: {"type": c} if isinstance(c, str) else c for n, c in columns.items()}


def _output_config(split: Mapping[str, int]) -> example_gen_pb2.Output:
    splits = [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=buckets)
        for name, buckets in split.items()
        if buckets > 0
    ]
    return example_gen_pb2.Output(split_config=example_gen_pb2.SplitConfig(splits=splits))
