"""Splits of tf.Examples as Arrow record batches, read by the file and not by the row.

Beam's own source takes each record through Python; here an element is a file, and
TensorFlow reads and tfx_bsl decodes thousands of records at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from tfx_pipeline.components import raw_examples

ROWS = 4096
"""Rows of a batch: many enough for vectorised code, few enough for wide tables."""


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
        files = root | "Files" >> beam.Create(self._files, reshuffle=len(self._files) > 1)
        return files | "Read" >> beam.ParDo(_Read(self._schema))


@beam.typehints.with_input_types(tuple[str, str])
@beam.typehints.with_output_types(tuple[str, pa.RecordBatch])
class _Read(beam.DoFn):
    def __init__(self, schema: bytes | None):
        self._schema = schema

    def setup(self) -> None:
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(self._schema)

    def process(self, file: tuple[str, str]) -> Iterator[tuple[str, pa.RecordBatch]]:
        key, path = file
        for records in raw_examples.batches(path, ROWS):
            yield key, self._decoder.DecodeBatch(records)
