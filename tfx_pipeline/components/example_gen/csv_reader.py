"""CSV files as record batches of texts, read in blocks."""

from __future__ import annotations

import contextlib
import csv
import io
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from gzip import GzipFile
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfx_pipeline.components.example_gen.input_files import open_plain
from tfx_pipeline.storage.layout import is_remote

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
        # A file of Arrow's own: its reading thread then needs nothing of Python, and a
        # reader can be left in the middle (pyarrow before 15 waits with Python's lock).
        with _plain_local_file(path) as (local, quotes), pa.OSFile(local) as file:
            for batch in _open(file, delimiter, columns):
                yield from (batch.slice(i, _ROWS) for i in range(0, batch.num_rows, _ROWS))
    except (pa.ArrowInvalid, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(str(error)) from error
    if quotes % 2:
        raise OddQuotes(path)


@contextlib.contextmanager
def _plain_local_file(path: str) -> Iterator[tuple[str, int]]:
    """The file on this machine, not compressed, and its number of quotes.

    Arrow accepts NUL bytes and quotes that are never closed, so both are looked for first.

    Raises:
      pa.ArrowInvalid: the file holds NUL bytes.
    """
    if not is_remote(path) and not path.endswith(".gz"):
        with open(path, "rb") as file:
            quotes = _count_quotes(file)
        yield path, quotes
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        with open_plain(path) as file:
            quotes = _count_quotes(file, copy)
        copy.flush()
        yield copy.name, quotes


def _count_quotes(file: IO[bytes] | GzipFile, copy: IO[bytes] | None = None) -> int:
    quotes = 0
    while data := file.read(_BLOCK):
        if b"\0" in data:
            raise pa.ArrowInvalid("NUL byte")
        quotes += data.count(b'"')
        if copy is not None:
            copy.write(data)
    return quotes


def _open(
    file: pa.NativeFile, delimiter: str, columns: Sequence[str]
) -> arrow_csv.CSVStreamingReader:
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
