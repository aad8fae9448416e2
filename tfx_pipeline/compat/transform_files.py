"""TFX's Transform executor with other ways to read and to write tf.Examples."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.transform import executor, labels
from tfx_bsl.tfxio import tensor_representation_util, tf_example_record

from tfx_pipeline.compat.table import TRANSFORM_FILES

Read = Callable[[str, schema_pb2.Schema], beam.PTransform]
"""From a pattern of files, and a schema of the columns to read: makes record batches."""

Write = Callable[[schema_pb2.Schema, str], beam.PTransform]
"""From a schema, and a prefix of files: takes pairs of a record batch and pass-through columns."""


@contextlib.contextmanager
def reading_and_writing(read: Read, write: Write) -> Iterator[None]:
    """Inside, TFX's Transform reads and writes TFRecord files of tf.Examples by these.

    Other payloads and file formats are read and written as before, and everything else that
    Transform does is TFX's.
    """
    if not TRANSFORM_FILES.fits():
        yield
        return

    class Processor(executor.TransformProcessor):
        def _CreateTFXIO(self, dataset: Any, schema: schema_pb2.Schema) -> Any:
            made = super()._CreateTFXIO(dataset, schema)
            if type(made) is not tf_example_record.TFExampleRecord:
                return made
            return _Source(made, dataset.file_pattern, schema, read)

        def _EncodeAndWrite(  # type: ignore[override]
            self, schema: schema_pb2.Schema, file_format: str, output_path: str
        ) -> beam.PTransform:
            if file_format == labels.FORMAT_TFRECORD:
                return write(schema, output_path)
            return super()._EncodeAndWrite(schema, file_format, output_path)

    with mock.patch.object(executor, "TransformProcessor", Processor):
        yield


class _Source:
    """A TFXIO with another source; what else is asked for is the real one's."""

    def __init__(self, real: Any, pattern: str, schema: schema_pb2.Schema, read: Read):
        self._real, self._pattern, self._schema, self._read = real, pattern, schema, read

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def Project(self, columns: Sequence[str]) -> _Source:
        schema = tensor_representation_util.ProjectTensorRepresentationsInSchema(
            self._schema, columns
        )
        return _Source(self._real.Project(columns), self._pattern, schema, self._read)

    def BeamSource(self, batch_size: int | None = None) -> beam.PTransform:
        if batch_size is not None:
            return self._real.BeamSource(batch_size)
        return self._read(self._pattern, self._schema)
