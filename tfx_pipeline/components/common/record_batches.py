"""Splits of tf.Examples as Arrow record batches, read file by file instead of row by row.

Beam's own source passes each record through Python; here an element is a file. Its
columns are read from where ExampleGen wrote them. Where there are none, TensorFlow
reads and tfx_bsl decodes thousands of records at a time, to the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from tfx_pipeline.components.common import column_store, example_files
from tfx_pipeline.components.common.reshuffled_create import ReshuffledCreate


class ReadRecordBatches(beam.PTransform):
    """Makes (key, record batch) pairs from the files of each key.

    Args:
      files: paths of TFRecord files by key, for example by split.
      schema: the columns to decode; without one, those that each batch has.
    """

    def __init__(self, files: Mapping[str, Sequence[str]], schema: schema_pb2.Schema | None = None):
        super().__init__()
        self._files = [(key, path) for key, paths in files.items() for path in paths]
        self._schema = schema.SerializeToString() if schema else None

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        """Adds the reading to a pipeline."""
        files = pbegin | "Files" >> ReshuffledCreate(self._files)
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
        batches = column_store.read(path, self._schema)
        if batches is None:
            serialized = example_files.batches(path, column_store.ROWS)
            batches = map(self._decoder.DecodeBatch, serialized)
        for batch in batches:
            yield key, batch
