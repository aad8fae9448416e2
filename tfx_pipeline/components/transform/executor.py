"""Transform's executor: TFX's artifacts from TensorFlow Transform, over record batches.

TFX's executor traces the user's function four times and takes every record through
Python to read and to write it. Here files are read and written in batches, and a node
traces the function once (see `tfx_pipeline.compat`).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.components.transform import executor as tfx_executor
from tfx.dsl.io import fileio
from tfx.proto import transform_pb2
from tfx.proto.orchestration import execution_result_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils, proto_utils
from tfx_bsl.tfxio import tensor_adapter, tensor_representation_util, tf_example_record

from tfx_pipeline.compat.patch import applied
from tfx_pipeline.compat.table import TRACES
from tfx_pipeline.compat.transform_files import reading_and_writing
from tfx_pipeline.components.common import example_files, label_counts
from tfx_pipeline.components.common.artifacts import Artifacts, read_schema_text
from tfx_pipeline.components.common.beam_executor import BeamExecutor
from tfx_pipeline.components.common.column_store import ROWS
from tfx_pipeline.components.common.executor_outcome import completed_output, reports_refusals
from tfx_pipeline.components.common.record_batches import ReadRecordBatches
from tfx_pipeline.components.transform import (
    example_writer,
    learned_statistics,
    split_marker,
    tfx_files,
)
from tfx_pipeline.config import default_treatments, metric_catalog
from tfx_pipeline.config.columns import ColumnType
from tfx_pipeline.config.label import Label
from tfx_pipeline.config.schema_file import parse_schema
from tfx_pipeline.modeling import column_facts, column_statistics, decisions
from tfx_pipeline.modeling.feature_table import parse_section
from tfx_pipeline.user_code import loader as user_functions

_log = logging.getLogger(__name__)

PreprocessingFn = Callable[[Mapping[str, Any]], Mapping[str, Any]]

STATISTICS = "statistics"
"""The input that says what the training split has."""

_CUSTOM_CONFIG = standard_component_specs.CUSTOM_CONFIG_KEY
_STAGING = ".staging"


class Executor(BeamExecutor, tfx_executor.Executor):
    """Fits `preprocessing_fn` on the splits to analyze; applies it to those to transform."""

    @reports_refusals
    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> execution_result_pb2.ExecutorOutput | None:
        """Writes the transform graph and the transformed examples.

        Returns:
          The executor's output with the treatments that were decided; None if there are none.

        Raises:
          DataRefused: treatments are to be decided, and no column is left.
          LoadError: the function cannot be loaded.
          NodeError: a split has no files.
        """
        reason = _not_covered(exec_properties, output_dict)
        if reason:
            _log.info("Transform: by TFX's executor over record batches, because of %s", reason)
            output = tfx_files.Output()
            with applied([TRACES]), reading_and_writing(tfx_files.read, output.write):
                super().Do(input_dict, output_dict, exec_properties)
            output.publish()
            return None
        splits = transform_pb2.SplitsConfig()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.SPLITS_CONFIG_KEY], splits
        )
        schema_text = read_schema_text(input_dict[standard_component_specs.SCHEMA_KEY])
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        decided = _decided(input_dict, exec_properties, schema_text)
        function = _function(exec_properties, schema_text, decided.sections if decided else {})
        files = {s: example_files.files(examples, s) for s in {*splits.analyze, *splits.transform}}
        graph = artifact_utils.get_single_uri(
            output_dict[standard_component_specs.TRANSFORM_GRAPH_KEY]
        )
        staging = os.path.join(graph, _STAGING)
        with (
            _without_export_warnings(),
            applied([TRACES]),
            column_statistics.recording() as analyzed,
            self._make_beam_pipeline() as pipeline,
        ):
            steps = _BeamSteps(function, parse_schema(schema_text), files, graph, staging)
            steps.add_to(pipeline, list(splits.analyze), list(splits.transform))
        learned_statistics.write(graph, analyzed)
        transformed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.TRANSFORMED_EXAMPLES_KEY]
        )
        transformed.split_names = artifact_utils.encode_split_names(list(splits.transform))
        targets = {s: artifact_utils.get_split_uri([transformed], s) for s in splits.transform}
        counts = example_writer.publish(staging, targets)
        _log.info("Transform: files by split: %s", counts)
        fileio.rmtree(staging)
        if decided is None:
            return None
        decisions.write(graph, decided.sections)
        return completed_output(output_dict, decided.note) if decided.note else None


class _BeamSteps:
    """The steps of the Beam pipeline: analyze, then transform.

    Args:
      function: the preprocessing function.
      schema: of the raw examples.
      files: raw examples by split.
      graph: the output folder of the transform graph.
      staging: a folder for temporary files and for the transformed examples.
    """

    def __init__(
        self,
        function: PreprocessingFn,
        schema: schema_pb2.Schema,
        files: dict[str, list[str]],
        graph: str,
        staging: str,
    ):
        self._function, self._files = function, files
        self._graph, self._staging = graph, staging
        self._metadata = dataset_metadata.DatasetMetadata(schema)
        tfxio = tf_example_record.TFExampleRecord("", schema=schema)
        columns = tft.get_transform_input_columns(
            function, tfxio.TensorAdapter().OriginalTypeSpecs(), force_tf_compat_v1=True
        )
        self._projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(
            schema, columns
        )
        self._adapter = tfxio.Project(columns).TensorAdapterConfig()

    def add_to(self, pipeline: beam.Pipeline, analyze: list[str], transform: list[str]) -> None:
        """Adds the steps to a pipeline; after its run, the examples are in `staging`."""
        temporary = os.path.join(self._staging, "tft")
        # A TF 1 graph takes half the time, and can be served like one of TF 2.
        with tft_beam.Context(temporary, ROWS, force_tf_compat_v1=True):
            read = self._read(pipeline, "Analyze", analyze)
            analyzed = read | "Batches" >> beam.Values(), self._adapter
            fitted = analyzed | "Fit" >> tft_beam.AnalyzeDataset(self._function, pipeline)
            raw = os.path.join(self._graph, tft.TFTransformOutput.RAW_METADATA_DIR)
            _ = self._metadata | "WriteRaw" >> tft_beam.WriteMetadata(raw, pipeline)
            _ = fitted | "WriteGraph" >> tft_beam.WriteTransformFn(self._graph)
            with tft_beam.Context(passthrough_keys={split_marker.NAME}):
                self._transform(pipeline, transform, fitted)

    def _transform(self, pipeline: beam.Pipeline, splits: list[str], fitted: Any) -> None:
        # The files are read again, because the decoded train split may not fit into memory.
        read = self._read(pipeline, "Read", splits)
        adapter = tensor_adapter.TensorAdapterConfig(
            split_marker.added_to(self._adapter.arrow_schema),
            self._adapter.tensor_representations,
            self._adapter.original_type_specs,
        )
        marked = read | "Mark" >> beam.Map(split_marker.mark), adapter
        transform = tft_beam.TransformDataset(output_record_batches=True)
        batches, metadata = (marked, fitted) | "Transform" >> transform
        write = example_writer.WriteExamples(metadata.schema, self._staging)
        written = batches | "Unmark" >> beam.Map(split_marker.unmark) | "Write" >> write
        _ = written | "FileList" >> example_writer.WriteFileList(self._staging)

    def _read(self, pipeline: beam.Pipeline, label: str, splits: list[str]) -> beam.PCollection:
        files = {split: self._files[split] for split in splits}
        return pipeline | label >> ReadRecordBatches(files, self._projected)


def _not_covered(exec_properties: dict[str, Any], output_dict: Artifacts) -> str:
    """What is asked for that only TFX's executor does; empty if there is nothing."""
    keys = standard_component_specs
    for key in (keys.MODULE_FILE_KEY, keys.MODULE_PATH_KEY, keys.STATS_OPTIONS_UPDATER_FN_KEY):
        if exec_properties.get(key):
            return key
    for key in (keys.FORCE_TF_COMPAT_V1_KEY, keys.DISABLE_STATISTICS_KEY):
        if not exec_properties.get(key):
            return f"{key}=False"
    if keys.UPDATED_ANALYZER_CACHE_KEY in output_dict:
        return "the analyzer cache"
    splits = transform_pb2.SplitsConfig()
    proto_utils.json_to_proto(exec_properties.get(keys.SPLITS_CONFIG_KEY) or "{}", splits)
    if not splits.analyze or not splits.transform:
        return "splits_config"
    return "" if keys.TRANSFORMED_EXAMPLES_KEY in output_dict else "materialize=False"


def _decided(
    input_dict: Artifacts, exec_properties: dict[str, Any], schema_text: str
) -> decisions.Decisions | None:
    """What `custom_config` leaves out, from the training split; None without statistics.

    Raises:
      DataRefused: no column is left that the model could read.
    """
    if not input_dict.get(STATISTICS):
        return None
    config = json_utils.loads(exec_properties.get(_CUSTOM_CONFIG) or "null") or {}
    label = parse_section(Label, config["label"])
    is_number = label.task == metric_catalog.REGRESSION
    examples = input_dict[standard_component_specs.EXAMPLES_KEY]
    counts = label_counts.count(examples, label.name, numbers=not is_number)
    statistics = artifact_utils.get_single_instance(input_dict[STATISTICS])
    names = artifact_utils.decode_split_names(statistics.split_names)
    split = label_counts.TRAIN if label_counts.TRAIN in names else names[0]
    (dataset,) = stats_artifact_utils.load_statistics(statistics, split).proto().datasets
    declared = parse_section(dict[str, ColumnType], config.get("columns", {}))
    types = {name: column.type for name, column in declared.items()}
    facts = column_facts.of_statistics(dataset, parse_schema(schema_text), types)
    found = decisions.decide(config, label_counts.of_training(counts), facts)
    _log.info("Transform: label %s: %s", label.name, found.classes.reason)
    for line in default_treatments.lines(found.treatments):
        _log.info("Transform: %s", line)
    return found


def _function(
    exec_properties: dict[str, Any], schema_text: str, decided: dict[str, Any]
) -> PreprocessingFn:
    """The user's function, with the schema's text in `custom_config["schema"]`.

    Args:
      exec_properties: with the function's name and `custom_config`.
      schema_text: the schema.
      decided: sections that replace those of `custom_config`.
    """
    function = user_functions.load(exec_properties[standard_component_specs.PREPROCESSING_FN_KEY])
    config = json_utils.loads(exec_properties.get(_CUSTOM_CONFIG) or "null") or {}
    parameters = inspect.signature(function).parameters.values()
    if not any(p.name == "custom_config" or p.kind is p.VAR_KEYWORD for p in parameters):
        return function
    return functools.partial(function, custom_config={**config, **decided, "schema": schema_text})


@contextlib.contextmanager
def _without_export_warnings() -> Iterator[None]:
    """Hides two warnings for each accumulator, which TensorFlow calls safe to ignore."""

    def is_other(record: logging.LogRecord) -> bool:
        return "in CollectionDef" not in str(record.msg)

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
