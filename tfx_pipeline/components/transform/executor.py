"""Transform's executor: TFX's artifacts from TensorFlow Transform, over record batches.

TFX's executor traces the user's function four times and takes every record through
Python to read and to write it. Here files are read and written in batches, and a node
traces the function once (see `tfx_pipeline.compat`).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, json_utils, proto_utils
from tfx_bsl.tfxio import tensor_adapter, tensor_representation_util, tf_example_record

from tfx_pipeline.components.common import example_files
from tfx_pipeline.components.common.column_store import ROWS
from tfx_pipeline.components.common.executor_outcome import refusable
from tfx_pipeline.components.common.record_batches import ReadRecordBatches
from tfx_pipeline.components.transform import example_writer, split_marker
from tfx_pipeline.user_code import loader as user_functions

_log = logging.getLogger(__name__)

_CUSTOM_CONFIG = standard_component_specs.CUSTOM_CONFIG_KEY
_ASIDE = ".aside"


class Executor(base_beam_executor.BaseBeamExecutor):
    """Fits `preprocessing_fn` on some splits and applies it to some."""

    @refusable
    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the transform graph and the transformed examples.

        Raises:
          NodeError: the function cannot be imported, or a split has no files.
        """
        splits = transform_pb2.SplitsConfig()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.SPLITS_CONFIG_KEY], splits
        )
        schema_text = _schema_text(input_dict)
        schema = text_format.Parse(schema_text, schema_pb2.Schema())
        function = _function(exec_properties, schema_text)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        files = {s: example_files.files(examples, s) for s in {*splits.analyze, *splits.transform}}
        graph = artifact_utils.get_single_uri(
            output_dict[standard_component_specs.TRANSFORM_GRAPH_KEY]
        )
        aside = os.path.join(graph, _ASIDE)
        with _without_noise():
            run = _Run(function, schema, files, graph, aside)
            with self._make_beam_pipeline() as pipeline:
                run.build(pipeline, list(splits.analyze), list(splits.transform))
        transformed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.TRANSFORMED_EXAMPLES_KEY]
        )
        _publish(transformed, list(splits.transform), aside)
        fileio.rmtree(aside)


class _Run:
    """One analysis and what is transformed with it."""

    def __init__(
        self,
        function: Callable[[dict[str, Any]], dict[str, Any]],
        schema: schema_pb2.Schema,
        files: dict[str, list[str]],
        graph: str,
        aside: str,
    ):
        self._function, self._files = function, files
        self._graph, self._aside = graph, aside
        self._metadata = dataset_metadata.DatasetMetadata(schema)
        tfxio = tf_example_record.TFExampleRecord("", schema=schema)
        columns = tft.get_transform_input_columns(
            function, tfxio.TensorAdapter().OriginalTypeSpecs(), force_tf_compat_v1=True
        )
        self._projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(
            schema, columns
        )
        self._adapter = tfxio.Project(columns).TensorAdapterConfig()

    def build(self, pipeline: beam.Pipeline, analyze: list[str], transform: list[str]) -> None:
        """Adds everything to a pipeline; `aside` holds the examples after the run."""
        temporary = os.path.join(self._aside, "tft")
        # The graph of TF 1 takes half the time, and is served as well as one of TF 2.
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
        # Read once more: keeping the decoded train split would take all memory.
        read = self._read(pipeline, "Read", splits)
        adapter = tensor_adapter.TensorAdapterConfig(
            split_marker.added_to(self._adapter.arrow_schema),
            self._adapter.tensor_representations,
            self._adapter.original_type_specs,
        )
        marked = read | "Mark" >> beam.Map(split_marker.mark), adapter
        transform = tft_beam.TransformDataset(output_record_batches=True)
        batches, metadata = (marked, fitted) | "Transform" >> transform
        write = example_writer.WriteExamples(metadata.schema, self._aside)
        written = batches | "Unmark" >> beam.Map(split_marker.unmark) | "Write" >> write
        _ = written | "Receipt" >> example_writer.WriteReceipt(self._aside)

    def _read(self, pipeline: beam.Pipeline, label: str, splits: list[str]) -> beam.PCollection:
        files = {split: self._files[split] for split in splits}
        return pipeline | label >> ReadRecordBatches(files, self._projected)


def _publish(examples: types.Artifact, splits: list[str], aside: str) -> None:
    examples.split_names = artifact_utils.encode_split_names(splits)
    targets = {split: artifact_utils.get_split_uri([examples], split) for split in splits}
    files = example_writer.publish(aside, targets)
    _log.info("Transform: files by split: %s", files)


def _function(
    exec_properties: dict[str, Any], schema_text: str
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The user's function with the schema's text in `custom_config["schema"]`."""
    function = user_functions.load(exec_properties[standard_component_specs.PREPROCESSING_FN_KEY])
    config = json_utils.loads(exec_properties.get(_CUSTOM_CONFIG) or "null") or {}
    return functools.partial(function, custom_config={**config, "schema": schema_text})


@contextlib.contextmanager
def _without_noise() -> Iterator[None]:
    # Exporting an analysed graph warns twice for each accumulator, that "this is
    # a warning and probably safe to ignore".
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_worth_reading)
    try:
        yield
    finally:
        logger.removeFilter(_is_worth_reading)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    return "in CollectionDef" not in str(record.msg)


def _schema_text(input_dict: dict[str, list[types.Artifact]]) -> str:
    folder = artifact_utils.get_single_uri(input_dict[standard_component_specs.SCHEMA_KEY])
    with fileio.open(io_utils.get_only_uri_in_dir(folder), "r") as file:
        return file.read()
