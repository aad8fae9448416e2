"""Reads tables as serialized tf.Examples: CSV and Parquet files, by column.

A source reads a file twice: `profile` finds the columns' types over all values, and all
problems, before `records` encodes anything. Sources are pickled and used by Beam workers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from tfx_pipeline.components.common import example_encoder
from tfx_pipeline.components.common.column_kinds import Kind, arrow_kind
from tfx_pipeline.components.common.example_encoder import Block
from tfx_pipeline.components.example_gen import csv_diagnostics, csv_reader
from tfx_pipeline.components.example_gen.input_files import open_raw
from tfx_pipeline.components.example_gen.profile import Profile
from tfx_pipeline.components.example_gen.tfrecord_source import TfRecordSource
from tfx_pipeline.components.example_gen.type_inference import WrongValue, convert, infer_kind
from tfx_pipeline.errors import DataRefused, Finding

_BLOCK_ROWS = 8192


@dataclasses.dataclass(frozen=True)
class CsvSource:
    """CSV files with one header.

    Attributes:
      columns: the columns to read.
      types: the kinds of the columns in the schema; others are inferred.
      delimiter: the separator of values.
    """

    columns: tuple[str, ...]
    types: Mapping[str, Kind]
    delimiter: str = ","

    def profile(self, path: str) -> Profile:
        """Finds the types over the whole file, or its problems."""
        kinds = dict.fromkeys(self.columns, Kind.EMPTY)
        try:
            for batch in csv_reader.read_batches(path, self.delimiter, self.columns):
                for name, texts in zip(self.columns, batch.columns):
                    kinds[name] = self._kind(name, texts, kinds[name])
        except csv_reader.OddQuotes:
            problems = csv_diagnostics.inspect(path, self.delimiter, self.types)
            return Profile(kinds, problems.findings, problems.counts.total())
        except (csv_reader.Unreadable, WrongValue) as error:
            return self._refused(path, error)
        return Profile(kinds)

    def _kind(self, name: str, texts: pa.Array, known: Kind) -> Kind:
        if name not in self.types:
            return infer_kind(texts, known)
        convert(texts, self.types[name])
        return known if texts.null_count == len(texts) else self.types[name]

    def _refused(self, path: str, error: Exception) -> Profile:
        problems = csv_diagnostics.inspect(path, self.delimiter, self.types)
        if not problems.findings:
            problems.add(0, "(file)", "not CSV", str(error))
        return Profile({}, problems.findings, problems.counts.total())

    def records(self, path: str, kinds: Mapping[str, Kind]) -> Iterator[Block]:
        """Blocks of serialized tf.Examples."""
        with contextlib.suppress(csv_reader.OddQuotes):  # `profile` has examined it
            for batch in csv_reader.read_batches(path, self.delimiter, self.columns):
                columns = dict(zip(self.columns, batch.columns))
                values = {name: convert(texts, kinds[name]) for name, texts in columns.items()}
                yield example_encoder.encode(values, kinds)


@dataclasses.dataclass(frozen=True)
class ParquetSource:
    """Parquet files of flat columns."""

    columns: tuple[str, ...]
    types: Mapping[str, Kind]

    def profile(self, path: str) -> Profile:
        """Finds the types from the file and the schema, or the problems."""
        kinds = dict.fromkeys(self.columns, Kind.EMPTY)
        for batch in _parquet_batches(path, self.columns):
            for name, array in zip(batch.schema.names, batch.columns):
                kind = self.types.get(name, arrow_kind(array.type))
                if kind is None or not _can_cast(array, kind):
                    return self._refused(path, name, array.type)
                if array.null_count < len(array):
                    kinds[name] = kind
        return Profile(kinds)

    def _refused(self, path: str, name: str, found: pa.DataType) -> Profile:
        expected = f"expected {self.types[name].name}, " if name in self.types else ""
        text = f"{os.path.basename(path)}: {expected}found values of type {found}"
        return Profile({}, [Finding(name, "wrong type", text)], 1)

    def records(self, path: str, kinds: Mapping[str, Kind]) -> Iterator[Block]:
        """Blocks of serialized tf.Examples."""
        for batch in _parquet_batches(path, self.columns):
            columns = dict(zip(batch.schema.names, batch.columns))
            values = {n: _cast_or_refuse(a, kinds[n], path, n) for n, a in columns.items()}
            yield example_encoder.encode(values, kinds)


def _cast_or_refuse(array: pa.Array, kind: Kind, path: str, name: str) -> pa.Array:
    """The values in the kind that the column has over all files.

    Raises:
      DataRefused: an integer is too large for a column that has fractions in another file.
    """
    try:
        return _cast(array, kind)
    except pa.ArrowInvalid as error:
        found = f"{os.path.basename(path)}: expected {kind.name}, as in another file: {error}"
        raise DataRefused(
            f"the data cannot be used: column {name!r}: {found}. "
            "Give the column the same type in all files",
            [Finding(name, "wrong type", found)],
        ) from error


def _parquet_batches(path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    with open_raw(path) as file:
        table = parquet.ParquetFile(file)
        for batch in table.iter_batches(_BLOCK_ROWS, columns=list(columns), use_threads=False):
            arrays = [_empty_as_missing(array) for array in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def _empty_as_missing(array: pa.Array) -> pa.Array:
    """An empty text is missing, as in CSV files, which cannot tell them apart."""
    if arrow_kind(array.type) != Kind.BYTES:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, array.type), array)


_ARROW_TYPES = {Kind.INT: pa.int64(), Kind.FLOAT: pa.float64(), Kind.BYTES: pa.binary()}


def _can_cast(array: pa.Array, kind: Kind) -> bool:
    try:
        _cast(array, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _cast(array: pa.Array, kind: Kind) -> pa.Array:
    """The values in the type that `example_encoder` expects for a kind."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if kind == Kind.EMPTY:
        return array
    if kind == Kind.INT and pa.types.is_temporal(array.type):
        array = _as_seconds(array)
    if kind == Kind.BYTES and arrow_kind(array.type) != Kind.BYTES:
        return array.cast(pa.string()).cast(pa.binary())
    return array.cast(_ARROW_TYPES[kind])


def _as_seconds(array: pa.Array) -> pa.Array:
    """Timestamps, dates, times of day and durations in seconds; fractions are dropped."""
    if pa.types.is_time(array.type):
        return array.cast(pa.time32("s"), safe=False).cast(pa.int32())
    seconds = pa.duration("s") if pa.types.is_duration(array.type) else pa.timestamp("s")
    return array.cast(seconds, safe=False)


Source = CsvSource | ParquetSource | TfRecordSource
