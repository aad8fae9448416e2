"""Splits of tf.Examples as Arrow record batches, read by the file and not by the row.

Beam's own source takes each record through Python; here an element is a file. Its
columns are read where ExampleGen has left them; else TensorFlow reads and tfx_bsl
decodes thousands of records at a time, to the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from tfx_pipeline.components.common import column_store, example_files
from tfx_pipeline.components.common.column_store import ROWS
from tfx_pipeline.components.common.reshuffled_create import CreateSpread


class ReadRecordBatches(beam.PTransform):
    """Makes (key, record batch) pairs from the files of each key.

    Args:
      files: paths of TFRecord files by key, for example by split.
      schema: the columns to decode; without one, those that each batch has.
    """

    def __init__(self, files: dict[str, Sequence[str]], schema: schema_pb2.Schema | None = None):
        super().__init__()
        self._files = [(key, path) for key, paths in files.items() for path in paths]
        self._schema = schema.SerializeToString() if schema else None

    def expand(self, root: beam.Pipeline) -> beam.PCollection:
        """Adds the reading to a pipeline."""
        files = root | "Files" >> CreateSpread(self._files)
        return files | "Read" >> beam.ParDo(_Read(self._schema))


@beam.typehints.with_input_types(tuple[str, str])
@beam.typehints.with_output_types(tuple[str, pa.RecordBatch])
class _Read(beam.DoFn):
    def __init__(self, schema: bytes | None):
        self._serialized = schema

    def setup(self) -> None:
        self._schema = self._serialized and schema_pb2.Schema.FromString(self._serialized)
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self._serialized)

    def process(self, file: tuple[str, str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        key, path = file
        for batch in column_store.read(path, self._schema) or self._decoded(path):
            yield key, batch

    def _decoded(self, path: str) -> Iterator[pa.RecordBatch]:
        return map(self._decoder.DecodeBatch, example_files.batches(path, ROWS))
