"""Parquet and ORC files, also in folders named `column=value`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tfx_pipeline.components.example_gen import input_files
from tfx_pipeline.components.example_gen.typed_source import BLOCK_ROWS, Rows, Unreadable
from tfx_pipeline.config import data_files


@dataclasses.dataclass(frozen=True)
class ColumnarReader:
    """Files of columns. Columns within columns get names with a dot: `place.city`.

    Attributes:
      format: parquet or orc.
      base: the folder below which folders may be named `column=value`.
      integers: the columns of such folders whose values are whole numbers in all files.
    """

    format: str
    base: str = ""
    integers: frozenset[str] = frozenset()
    unit: str = "row"
    name: str = ""

    def columns(self, path: str) -> list[str]:
        """The names in the file and in its path."""
        with _unreadable(self.format), input_files.open_raw(path) as file:
            schema = self._open(file).schema_arrow if self._is_parquet else self._open(file).schema
            names = list(data_files.flat_names(schema))
        return [*names, *data_files.partition_values(path, self.base)]

    @property
    def _is_parquet(self) -> bool:
        return self.format == "parquet"

    def _open(self, file: Any) -> Any:
        if self._is_parquet:
            return parquet.ParquetFile(file)
        from pyarrow import orc

        return orc.ORCFile(file)

    def rows(self, path: str, exclude: Collection[str], texts: Collection[str]) -> Iterator[Rows]:
        """The rows in blocks."""
        start = 1
        constants = data_files.partition_values(path, self.base)
        with _unreadable(self.format), input_files.open_raw(path) as file:
            for batch in self._batches(self._open(file), exclude):
                numbers = range(start, start + batch.num_rows)
                start += batch.num_rows
                columns = dict(_flat(batch))
                columns |= {n: self._constant(n, v, len(numbers)) for n, v in constants.items()}
                yield Rows(numbers, {n: a for n, a in columns.items() if n not in exclude})

    def _constant(self, name: str, value: str | None, count: int) -> pa.Array:
        if name in self.integers:
            return pa.array([None if value is None else int(value)] * count, pa.int64())
        return pa.array([value] * count, pa.string())

    def _batches(self, file: Any, exclude: Collection[str]) -> Iterator[pa.RecordBatch]:
        if self._is_parquet:
            wanted = [name for name in file.schema_arrow.names if name not in exclude]
            yield from file.iter_batches(BLOCK_ROWS, columns=wanted, use_threads=False)
            return
        wanted = [name for name in file.schema.names if name not in exclude]
        for number in range(file.nstripes):
            stripe = file.read_stripe(number, columns=wanted)
            yield from (stripe.slice(i, BLOCK_ROWS) for i in range(0, len(stripe), BLOCK_ROWS))


@contextlib.contextmanager
def _unreadable(file_format: str) -> Iterator[None]:
    name = "ORC" if file_format == "orc" else "Parquet"
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(f"no {name} file", str(error).splitlines()[0]) from error


def _flat(batch: Any) -> Iterator[tuple[str, pa.Array]]:
    for name, array in zip(batch.schema.names, batch.columns):
        yield from _flat_arrays(name, array)


def _flat_arrays(name: str, array: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    if not pa.types.is_struct(array.type):
        yield name, array
        return
    for field, child in zip(data_files.struct_fields(array.type), array.flatten()):
        yield from _flat_arrays(f"{name}.{field.name}", child)
