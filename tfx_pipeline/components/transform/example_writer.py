"""Writes record batches as gzipped TFRecords of tf.Examples, a file a split and bundle.

A worker writes aside and says so by an element; only what is said in the end is
published. So a bundle that a runner repeats leaves no rows twice.
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

_RECEIPT = "receipt.json"


@dataclasses.dataclass(frozen=True)
class Written:
    """A file that a bundle wrote; `order` is the same whenever the content is."""

    split: str
    order: str
    path: str


class WriteExamples(beam.PTransform):
    """Writes (split, record batch) pairs below `folder`; makes one `Written` for each file.

    Args:
      schema: of the batches.
      folder: where workers may write aside.
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

    def process(self, pair: tuple[str, pa.RecordBatch]) -> Iterator[Written]:
        split, batch = pair
        if split not in self._writers:
            fileio.makedirs(self._folder)
            path = os.path.join(self._folder, f"{split}-{uuid.uuid4().hex}.gz")
            self._writers[split] = tf.io.TFRecordWriter(path, TFRECORD_OPTIONS)
            yield Written(split, hashlib.sha256(batch.serialize()).hexdigest(), path)
        for record in self._encode(batch):
            self._writers[split].write(record)

    def _encode(self, batch: pa.RecordBatch) -> Iterable[bytes]:
        columns = {name: _one_value_a_row(a) for name, a in zip(batch.schema.names, batch.columns)}
        if None in columns.values():
            return self._encoder.encode(batch)
        # As quick again, and the same bytes each time.
        return example_encoder.encode_complete(columns).to_numpy(zero_copy_only=False)

    def finish_bundle(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _one_value_a_row(lists: pa.Array) -> pa.Array | None:
    """The values of a column of lists; None if a row has none or several."""
    values = lists.flatten()
    if lists.null_count or values.null_count or len(values) != len(lists):
        return None
    return values if pc.all(pc.equal(pc.list_value_length(lists), 1)).as_py() else None


class WriteReceipt(beam.PTransform):
    """Notes, in one file of `folder`, what all `WriteExamples` have written."""

    def __init__(self, folder: str):
        super().__init__()
        self._folder = folder

    def expand(self, written: beam.PCollection) -> beam.PCollection:
        """Adds the noting to a pipeline."""
        return written | beam.combiners.ToList() | "Note" >> beam.Map(_note, self._folder)


def _note(written: list[Written], folder: str) -> None:
    with fileio.open(os.path.join(folder, _RECEIPT), "w") as file:
        file.write(json.dumps([dataclasses.asdict(each) for each in written]))


def publish(folder: str, targets: Mapping[str, str]) -> dict[str, int]:
    """Moves what was noted to where readers look, in an order that the content gives.

    Returns:
      The number of files by split.
    """
    with fileio.open(os.path.join(folder, _RECEIPT), "r") as file:
        written = [Written(**each) for each in json.loads(file.read())]
    counts = {}
    for split, target in targets.items():
        files = sorted((each for each in written if each.split == split), key=lambda w: w.order)
        fileio.makedirs(target)
        for number, each in enumerate(files):
            name = f"transformed_examples-{number:05d}-of-{len(files):05d}.gz"
            fileio.rename(each.path, os.path.join(target, name), overwrite=True)
        counts[split] = len(files)
    return counts
