"""CSV files as record batches of texts, read in blocks."""

from __future__ import annotations

import csv
import ctypes
import io
import zlib
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfx_pipeline.components.example_gen.input_files import open_plain

_BLOCK = 8 << 20  # no row may be longer
_ROWS = 8192  # what is made of so many stays in the processor's cache


class Unreadable(Exception):
    """The file is no CSV file; csv_problems finds out where and why."""


class OddQuotes(Exception):
    """All was read, but a quote may not be closed: Arrow takes the rest for one value."""


def read_header(path: str, delimiter: str) -> list[str]:
    """The column names; an empty list when there is no header.

    Raises:
      Unreadable: the header is not UTF-8, or the file not readable at all.
    """
    try:
        with open_plain(path) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            return next((row for row in csv.reader(lines, delimiter=delimiter) if row), [])
    except (UnicodeDecodeError, csv.Error, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(str(error)) from error


def read_batches(path: str, delimiter: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Blocks of rows; every column as texts, an empty one as missing.

    Raises:
      Unreadable: a row has another number of columns, the text is not UTF-8, holds
        NUL bytes or is cut off.
      OddQuotes: after the last row: the number of quotes is odd.
    """
    try:
        with open_plain(path) as file:
            checked = _Checked(file)
            for batch in _read(checked, delimiter, columns):
                yield from (batch.slice(i, _ROWS) for i in range(0, batch.num_rows, _ROWS))
    except (pa.ArrowInvalid, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(str(error)) from error
    if checked.quotes % 2:
        raise OddQuotes(path)


def _read(file: _Checked, delimiter: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    reader = _open(file, delimiter, columns)
    held = _ArrowArrayStream()
    reader._export_to_c(ctypes.addressof(held))
    try:
        yield from reader
    finally:
        # What ends the reader waits for its thread, which may wait for Python's lock to
        # read from `file`. ctypes lets go of the lock; pyarrow before 15 does not.
        del reader
        ctypes.CFUNCTYPE(None, ctypes.c_void_p)(held.release)(ctypes.addressof(held))


class _ArrowArrayStream(ctypes.Structure):
    """A reference to a reader, as Arrow's C stream interface has it."""

    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("get_schema", "get_next", "get_last_error", "release", "private_data")
    ]


def _open(file: _Checked, delimiter: str, columns: Sequence[str]) -> arrow_csv.CSVStreamingReader:
    return arrow_csv.open_csv(
        file,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in columns},
            include_columns=list(columns),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


class _Checked(io.RawIOBase):
    """A file for Arrow that refuses NUL bytes and counts quotes; Arrow minds neither."""

    def __init__(self, file):
        self._file = file
        self.quotes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if b"\0" in data:
            raise pa.ArrowInvalid("NUL byte")
        self.quotes += data.count(b'"')
        return data

    def readable(self) -> bool:
        return True
