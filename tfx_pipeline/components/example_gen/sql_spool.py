"""Keeps what a database returned in files, from a node's driver to its executor.

The driver needs the fingerprint of the rows for the cache, so it reads them all. The
executor, in the same process, takes the rows from the files: they are read once, and the
fingerprint is of the very rows that become examples.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import gc
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator

import pyarrow as pa

from tfx_pipeline.components.example_gen.input_files import open_raw
from tfx_pipeline.components.example_gen.row_checksum import RowChecksum
from tfx_pipeline.components.example_gen.sql_reader import Database, SqlQuery
from tfx_pipeline.components.example_gen.typed_source import Rows
from tfx_pipeline.components.example_gen.work_units import UNIT_BYTES

_ENDING = ".rows"


@dataclasses.dataclass(frozen=True)
class Spool:
    """The rows that a query returned.

    Attributes:
      folder: where they are.
      files: the files, in order.
      fingerprint: of the rows.
      rows: how many there are.
    """

    folder: str
    files: tuple[str, ...]
    fingerprint: str
    rows: int

    def discard(self) -> None:
        """Removes the files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def read(query: SqlQuery) -> Spool:
    """Reads the rows once into a temporary folder; memory holds a block for each partition.

    Raises:
      ConfigError, PipelineError, DataRefused: as `SqlQuery.open`.
    """
    folder = tempfile.mkdtemp(prefix="tfx-pipeline-rows-")
    try:
        with query.open() as database, _no_collection():
            statements = database.statements()
            with concurrent.futures.ThreadPoolExecutor(len(statements)) as pool:
                parts = list(
                    pool.map(
                        lambda part: _spool(
                            database, part[1], os.path.join(folder, f"{part[0]:03d}")
                        ),
                        enumerate(statements),
                    )
                )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    checksum = RowChecksum()
    for part in parts:
        checksum.merge(part)
    files = tuple(os.path.join(folder, name) for name in sorted(os.listdir(folder)))
    return Spool(folder, files, f"sql,{checksum}", checksum.rows)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for reference cycles: rows have none, and it took a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _spool(database: Database, statement: str, prefix: str) -> RowChecksum:
    """Writes the rows as Arrow streams, one for each block: blocks may differ in types."""
    checksum = RowChecksum()
    number = 0
    with contextlib.closing(database.blocks(statement)) as blocks:
        block = next(blocks, None)
        while block is not None:
            path = f"{prefix}-{number:05d}{_ENDING}"
            with pa.OSFile(path, "wb") as file:
                while block is not None and file.tell() < UNIT_BYTES:
                    checksum.add(block)
                    _write(file, block)
                    block = next(blocks, None)
            number += 1
    return checksum


def _write(file: pa.NativeFile, block: dict[str, pa.Array]) -> None:
    batch = pa.RecordBatch.from_arrays(list(block.values()), list(block))
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(file, batch.schema, options=options) as writer:
        writer.write_batch(batch)


@dataclasses.dataclass(frozen=True)
class SpoolReader:
    """The files of a spool."""

    unit: str = "row"
    name: str = "the query's result"

    def columns(self, path: str) -> list[str]:
        """The columns of the query."""
        for batch in _batches(path):
            return list(batch.schema.names)
        return []

    def rows(self, path: str, exclude: Collection[str], texts: Collection[str]) -> Iterator[Rows]:
        """The rows in blocks."""
        start = 1
        for batch in _batches(path):
            columns = dict(zip(batch.schema.names, batch.columns))
            kept = {name: array for name, array in columns.items() if name not in exclude}
            if batch.num_rows:
                yield Rows(range(start, start + batch.num_rows), kept)
            start += batch.num_rows


def _batches(path: str) -> Iterator[pa.RecordBatch]:
    with open_raw(path) as raw:
        file = pa.PythonFile(raw, mode="r")
        size = raw.seek(0, os.SEEK_END)
        raw.seek(0)
        while raw.tell() < size:
            yield from pa.ipc.open_stream(file)
