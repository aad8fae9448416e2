"""Writes record batches as gzipped TFRecords of tf.Examples, one file for each split and bundle.

A worker writes to the staging folder and emits an element for each file. Only files
whose elements reach the end of the pipeline are published. So when a runner repeats a
bundle, no row is published twice.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio
from tfx_bsl.coders import example_coder

from tfx_pipeline.components.common import example_encoder
from tfx_pipeline.components.common.tfrecord_files import TFRECORD_OPTIONS

_FILE_LIST = "files.json"


@dataclasses.dataclass(frozen=True)
class WrittenFile:
    """A file that a bundle wrote.

    Attributes:
      split: the split's name.
      order: the sort key of the file; it depends only on the content.
      path: the file in the staging folder.
    """

    split: str
    order: str
    path: str


class WriteExamples(beam.PTransform):
    """Writes (split, record batch) pairs to files; makes one `WrittenFile` for each of them.

    Args:
      schema: of the batches.
      folder: the staging folder.
    """

    def __init__(self, schema: schema_pb2.Schema, folder: str):
        super().__init__()
        self._write = _Write(schema, folder)

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Adds the writing to a pipeline."""
        return batches | "Write" >> beam.ParDo(self._write)


class _Write(beam.DoFn):
    def __init__(self, schema: schema_pb2.Schema, folder: str):
        self._schema, self._folder = schema, folder

    def setup(self) -> None:
        self._encoder = example_coder.RecordBatchToExamplesEncoder(self._schema)

    def start_bundle(self) -> None:
        self._writers: dict[str, tf.io.TFRecordWriter] = {}

    def process(self, pair: tuple[str, pa.RecordBatch]) -> Iterator[WrittenFile]:
        split, batch = pair
        if split not in self._writers:
            fileio.makedirs(self._folder)
            path = os.path.join(self._folder, f"{split}-{uuid.uuid4().hex}.gz")
            self._writers[split] = tf.io.TFRecordWriter(path, TFRECORD_OPTIONS)
            yield WrittenFile(split, hashlib.sha256(batch.serialize()).hexdigest(), path)
        for record in self._encode(batch):
            self._writers[split].write(record)

    def _encode(self, batch: pa.RecordBatch) -> Iterable[bytes]:
        columns = {name: _single_values(a) for name, a in zip(batch.schema.names, batch.columns)}
        if None in columns.values():
            return self._encoder.encode(batch)
        # Twice as fast, and deterministic.
        return example_encoder.encode_complete(columns).to_numpy(zero_copy_only=False)

    def finish_bundle(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _single_values(lists: pa.Array) -> pa.Array | None:
    """The values of a column of lists; None if a row does not have exactly one."""
    values = lists.flatten()
    if lists.null_count or values.null_count or len(values) != len(lists):
        return None
    return values if pc.all(pc.equal(pc.list_value_length(lists), 1)).as_py() else None


class WriteFileList(beam.PTransform):
    """Writes the list of all `WrittenFile` elements to a file in `folder`."""

    def __init__(self, folder: str):
        super().__init__()
        self._folder = folder

    def expand(self, written: beam.PCollection) -> beam.PCollection:
        """Adds the writing to a pipeline."""
        return written | beam.combiners.ToList() | "Write" >> beam.Map(_write_list, self._folder)


def _write_list(written: list[WrittenFile], folder: str) -> None:
    fileio.makedirs(folder)  # no row may have been written
    with fileio.open(os.path.join(folder, _FILE_LIST), "w") as file:
        file.write(json.dumps([dataclasses.asdict(row) for row in written]))


def publish(folder: str, targets: Mapping[str, str]) -> dict[str, int]:
    """Moves the listed files to their final folders, in an order that depends on their content.

    Args:
      folder: the staging folder.
      targets: folders by split.

    Returns:
      The number of files by split.
    """
    with fileio.open(os.path.join(folder, _FILE_LIST), "r") as file:
        written = [WrittenFile(**row) for row in json.loads(file.read())]
    written.sort(key=lambda file: file.order)
    counts = {}
    for split, target in targets.items():
        files = [file for file in written if file.split == split]
        fileio.makedirs(target)
        for number, file in enumerate(files):
            name = f"transformed_examples-{number:05d}-of-{len(files):05d}.gz"
            fileio.rename(file.path, os.path.join(target, name), overwrite=True)
        counts[split] = len(files)
    return counts
