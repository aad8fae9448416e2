"""The rows of an examples file once more, as columns: an Arrow file that is read in no time.

Decoding tf.Examples is most of what StatisticsGen and Transform do with a large
table. So ExampleGen leaves, for each `Split-NAME/FILE.gz`, the same rows in the same
order at `columns/Split-NAME/FILE.arrow`: one flat column for each feature, null where
a row has no value. TFX's own components read the tf.Examples and never look here.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio

from tfx_pipeline.storage.layout import is_remote

ROWS = 4096
"""Rows of a batch: many enough for vectorised code, few enough for wide tables."""

_FOLDER = "columns"
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")
_LIST_TYPES = {
    schema_pb2.INT: pa.large_list(pa.int64()),
    schema_pb2.FLOAT: pa.large_list(pa.float32()),
    schema_pb2.BYTES: pa.large_list(pa.large_binary()),
}


def path_for(records: str) -> str:
    """Where the columns of a file of records are."""
    split, name = os.path.split(records)
    artifact, split = os.path.split(split)
    return os.path.join(artifact, _FOLDER, split, f"{name.removesuffix('.gz')}.arrow")


class Writer:
    """Writes rows as batches of `ROWS`; a context manager.

    Args:
      path: the file, on a local disk or wherever TFX's fileio writes.
      schema: of the batches that will be added.
    """

    def __init__(self, path: str, schema: pa.Schema):
        self._path, self._schema = path, schema
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

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
        """Adds rows after those before."""
        self._waiting.append(batch)
        self._rows += len(batch)
        if self._rows >= ROWS:
            self._write(self._rows - self._rows % ROWS)

    def _write(self, count: int) -> None:
        table = pa.Table.from_batches(self._waiting, self._schema)
        for batch in table.slice(0, count).combine_chunks().to_batches(ROWS):
            self._writer.write_batch(batch)
        self._waiting = table.slice(count).to_batches()
        self._rows -= count


def read(records: str, schema: schema_pb2.Schema | None = None) -> Iterator[pa.RecordBatch] | None:
    """What tfx_bsl's ExamplesToRecordBatchDecoder makes of the file's records.

    Args:
      records: path of a file of tf.Examples.
      schema: the features wanted, in this order; without one all, sorted by name,
        and those without a value in a batch as Arrow's null.

    Returns:
      Batches of `ROWS`; None where there are no columns, or none of the schema's types.
    """
    path = path_for(records)
    if not fileio.exists(path):
        return None
    with _source(path) as source:
        found = _open(source).schema
    wanted = _names(found) if schema is None else _types(schema)
    if wanted is None or not _fits(found, wanted):
        return None
    return _batches(path, found, wanted)


_Wanted = Mapping[str, "pa.DataType | None"]
"""The list type of each wanted feature; None for the file's own."""


def _names(schema: pa.Schema) -> _Wanted:
    return dict.fromkeys(sorted(schema.names, key=str.encode))


def _types(schema: schema_pb2.Schema) -> _Wanted | None:
    types = {feature.name: _LIST_TYPES.get(feature.type) for feature in schema.feature}
    return types if None not in types.values() else None


def _fits(schema: pa.Schema, wanted: _Wanted) -> bool:
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
            yield _as_decoded(file.get_batch(number), wanted)


def _as_decoded(batch: pa.RecordBatch, wanted: _Wanted) -> pa.RecordBatch:
    columns = dict(zip(batch.schema.names, batch.columns))
    absent = pa.nulls(len(batch))
    arrays = [as_lists(columns.get(name, absent), kind) for name, kind in wanted.items()]
    return pa.RecordBatch.from_arrays(arrays, list(wanted))


def as_lists(values: pa.Array, list_type: pa.DataType | None) -> pa.Array:
    """Lists of one value, null where there is none."""
    if values.null_count == len(values):
        return pa.nulls(len(values), list_type or pa.null())
    if values.null_count == 0:
        return pa.LargeListArray.from_arrays(np.arange(len(values) + 1), values)
    ends = np.cumsum(values.is_valid())
    offsets = pa.array(np.concatenate([[0], ends]), mask=_masked(values))
    return pa.LargeListArray.from_arrays(offsets, values.drop_null())


def _masked(values: pa.Array) -> np.ndarray:
    """Arrow's way to say that a list is null: so is the offset where it begins."""
    return np.append(values.is_null().to_numpy(zero_copy_only=False), False)


def _sink(path: str) -> pa.NativeFile:
    return pa.PythonFile(_Remote(path, "wb")) if is_remote(path) else pa.OSFile(path, "wb")


def _source(path: str) -> pa.NativeFile:
    # Mapped, only those pages are read that hold wanted columns.
    return pa.PythonFile(_Remote(path, "rb")) if is_remote(path) else pa.memory_map(path)


def _open(source: pa.NativeFile, included: Sequence[int] = ()) -> pa.ipc.RecordBatchFileReader:
    options = pa.ipc.IpcReadOptions(included_fields=list(included))
    return pa.ipc.open_file(source, options=options)


class _Remote(io.RawIOBase):
    """A file of TFX's fileio with all that Arrow asks of one."""

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

    def write(self, data: bytes) -> int:
        self._file.write(bytes(data))
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
