"""A second copy of an examples file, as columns in an Arrow file that is quick to read.

With a large table, StatisticsGen and Transform spend most of their time on decoding
tf.Examples. So for each `Split-NAME/FILE.gz`, ExampleGen also writes
`columns/Split-NAME/FILE.arrow`: the same rows in the same order, with one flat column
for each feature, null where a row has no value. TFX's own components read only the
tf.Examples.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.storage.layout import is_remote

ROWS = 4096
"""Rows of a batch: enough for vectorised code, not too many for wide tables."""

_BYTES = 64 << 20
"""A batch that has reached this size has fewer rows: those of images are large."""

_FOLDER = "columns"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_LIST_TYPES = {
    schema_pb2.INT: pa.large_list(pa.int64()),
    schema_pb2.FLOAT: pa.large_list(pa.float32()),
    schema_pb2.BYTES: pa.large_list(pa.large_binary()),
}


def path_for(records: str) -> str:
    """The path of the columns file that belongs to a file of records."""
    split, name = os.path.split(records)
    artifact, split = os.path.split(split)
    return os.path.join(artifact, _FOLDER, split, f"{name.removesuffix('.gz')}.arrow")


class Writer:
    """Writes rows as batches of `ROWS`, or fewer large ones; a context manager.

    Args:
      path: the file, on a local disk or any file system of TFX's fileio.
      schema: the Arrow schema of the batches that will be added.
    """

    def __init__(self, path: str, schema: pa.Schema):
        self._path, self._schema = path, schema
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def __enter__(self) -> Writer:
        self._open = contextlib.ExitStack()
        sink = self._open.enter_context(_sink(self._path))
        self._writer = pa.ipc.new_file(sink, self._schema, options=_OPTIONS)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        with self._open:
            if kind is None:
                self._write(self._rows)
                self._writer.close()

    def add(self, batch: pa.RecordBatch) -> None:
        """Appends rows."""
        self._waiting.append(batch)
        self._rows += len(batch)
        self._bytes += batch.nbytes
        if self._bytes >= _BYTES:
            self._write(self._rows)
        elif self._rows >= ROWS:
            self._write(self._rows - self._rows % ROWS)

    def _write(self, count: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        for batch in table.slice(0, count).combine_chunks().to_batches(ROWS):
            self._writer.write_batch(batch)
        self._waiting = table.slice(count).to_batches()
        self._rows -= count
        self._bytes = sum(batch.nbytes for batch in self._waiting)


def read(
    records: str,
    schema: schema_pb2.Schema | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch] | None:
    """Reads the columns of a file of records.

    The batches are those that tfx_bsl's ExamplesToRecordBatchDecoder makes of the records.

    Args:
      records: path of a file of tf.Examples.
      schema: the features to read, in this order. Without a schema all features are
        read, sorted by name, and a feature without a value in a batch has Arrow's null type.
      columns: without a schema, the only features to read, of whatever type they are. One that
        the file does not have is without a value.

    Returns:
      Batches as they were written; None if there is no columns file, or if its types are not
      those of the schema.
    """
    path = path_for(records)
    if not fileio.exists(path):
        return None
    with _source(path) as source:
        found = _open(source).schema
    names = sorted(found.names, key=str.encode) if columns is None else columns
    wanted: _Wanted = dict.fromkeys(names)
    if schema is not None:
        if any(feature.type not in _LIST_TYPES for feature in schema.feature):
            return None
        wanted = {feature.name: _LIST_TYPES[feature.type] for feature in schema.feature}
    return _batches(path, found, wanted) if _has_types(found, wanted) else None


_Wanted = Mapping[str, "pa.DataType | None"]
"""The list type of each feature to read; None for the type that the file has."""


def _has_types(schema: pa.Schema, wanted: _Wanted) -> bool:
    for name, list_type in wanted.items():
        index = schema.get_field_index(name)
        found = pa.null() if index < 0 else schema.field(index).type
        if list_type is not None and found not in (pa.null(), list_type.value_type):
            return False
    return True


def _batches(path: str, schema: pa.Schema, wanted: _Wanted) -> Iterator[pa.RecordBatch]:
    included = [schema.get_field_index(name) for name in wanted if name in schema.names]
    with _source(path) as source:
        file = _open(source, included)
        for number in range(file.num_record_batches):
            batch = file.get_batch(number)
            columns = dict(zip(batch.schema.names, batch.columns))
            absent = pa.nulls(len(batch))
            arrays = [as_lists(columns.get(name, absent), kind) for name, kind in wanted.items()]
            yield pa.RecordBatch.from_arrays(arrays, list(wanted))


def as_lists(values: pa.Array, list_type: pa.DataType | None) -> pa.Array:
    """Lists of one value each, null where the value is null."""
    if values.null_count == len(values):
        return pa.nulls(len(values), list_type or pa.null())
    if values.null_count == 0:
        return pa.LargeListArray.from_arrays(np.arange(len(values) + 1), values)
    offsets = np.concatenate([[0], np.cumsum(values.is_valid())])
    # In Arrow a list is null where the offset of its beginning is null.
    null_offsets = np.append(values.is_null().to_numpy(zero_copy_only=False), False)
    return pa.LargeListArray.from_arrays(pa.array(offsets, mask=null_offsets), values.drop_null())


def _sink(path: str) -> pa.NativeFile:
    return pa.PythonFile(_Remote(path, "wb")) if is_remote(path) else pa.OSFile(path, "wb")


def _source(path: str) -> pa.NativeFile:
    # Of a mapped file only the pages with the requested columns are read.
    return pa.PythonFile(_Remote(path, "rb")) if is_remote(path) else pa.memory_map(path)


def _open(source: pa.NativeFile, included: Sequence[int] = ()) -> pa.ipc.RecordBatchFileReader:
    options = pa.ipc.IpcReadOptions(included_fields=list(included))
    return pa.ipc.open_file(source, options=options)


class _Remote(io.RawIOBase):
    """A file of TFX's fileio with the methods that Arrow calls."""

    def __init__(self, path: str, mode: str):
        self._file, self._mode = fileio.open(path, mode), mode

    def readable(self) -> bool:
        return "r" in self._mode

    def writable(self) -> bool:
        return "w" in self._mode

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def write(self, data: Any) -> int:
        content = bytes(data)  # Arrow passes a buffer
        self._file.write(content)
        return len(content)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
