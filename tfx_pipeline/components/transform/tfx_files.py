"""Reads and writes examples in batches while TFX's own executor transforms them."""

from __future__ import annotations

import os

import apache_beam as beam
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.components.common.record_batches import ReadRecordBatches
from tfx_pipeline.components.common.tfrecord_files import TFRECORD_OPTIONS
from tfx_pipeline.components.transform import example_writer
from tfx_pipeline.errors import NodeError

_SPLIT = "examples"  # each split has a folder of its own


def read(pattern: str, schema: schema_pb2.Schema) -> beam.PTransform:
    """A transform that reads the files as record batches.

    Raises:
      NodeError: there are no files.
    """
    files = sorted(map(str, fileio.glob(pattern)))
    if not files:
        raise NodeError(f"the examples have no files: {pattern}")
    return _Read(files, schema)


class _Read(beam.PTransform):
    def __init__(self, files: list[str], schema: schema_pb2.Schema):
        super().__init__()
        self._files, self._schema = files, schema

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection:
        batches = pbegin | ReadRecordBatches({_SPLIT: self._files}, self._schema)
        return batches | beam.Values()


class Output:
    """The files of all splits: written into staging folders, and published at the end."""

    def __init__(self) -> None:
        self._splits: dict[str, str] = {}  # folders by their staging folder

    def write(self, schema: schema_pb2.Schema, prefix: str) -> beam.PTransform:
        """A transform that writes (record batch, other columns) pairs to a split's folder."""
        folder = os.path.dirname(prefix)
        staging = os.path.join(folder, ".staging")
        self._splits[staging] = folder
        return _WriteSplit(schema, staging)

    def publish(self) -> None:
        """Moves the files of each split to its folder; one without rows gets an empty file."""
        for staging, folder in self._splits.items():
            if not example_writer.publish(staging, {_SPLIT: folder})[_SPLIT]:
                path = os.path.join(folder, "transformed_examples-00000-of-00001.gz")
                tf.io.TFRecordWriter(path, TFRECORD_OPTIONS).close()
            fileio.rmtree(staging)


class _WriteSplit(beam.PTransform):
    def __init__(self, schema: schema_pb2.Schema, staging: str):
        super().__init__()
        self._schema, self._staging = schema, staging

    def expand(self, pairs: beam.PCollection) -> beam.PCollection:
        batches = pairs | beam.Keys() | "Split" >> beam.Map(lambda batch: (_SPLIT, batch))
        written = batches | example_writer.WriteExamples(self._schema, self._staging)
        return written | example_writer.WriteFileList(self._staging)
