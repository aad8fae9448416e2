"""Delimited text as record batches of texts, read in blocks."""

from __future__ import annotations

import codecs
import contextlib
import csv
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from tfx_pipeline.components.example_gen.input_files import is_compressed, open_plain
from tfx_pipeline.config import text_format
from tfx_pipeline.config.text_format import TextFormat
from tfx_pipeline.storage.layout import is_remote

_BLOCK = 8 << 20  # no row may be longer
_ROWS = 8192  # what is made of so many stays in the processor's cache


class Unreadable(Exception):
    """The file is not such a text; csv_diagnostics finds out where and why."""


class OddQuotes(Exception):
    """All was read, but a quote may not be closed: Arrow takes the rest for one value."""


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    """Turns what is raised about the content into `Unreadable`."""
    try:
        yield
    except (pa.ArrowInvalid, UnicodeError, csv.Error, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise Unreadable(str(error)) from error


def read_header(path: str, text: TextFormat) -> list[str]:
    """The column names; an empty list when there is no header.

    Raises:
      Unreadable: the header is not in the encoding, or the file not readable at all.
    """
    return text_format.column_names(_header_as_written(path, text), text)


def _header_as_written(path: str, text: TextFormat) -> list[str]:
    with _unreadable(), open_plain(path) as file:
        return text_format.header_as_written(file, text)


def read_batches(path: str, text: TextFormat, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Blocks of rows; every column as texts, null where a value or the column is missing.

    Raises:
      Unreadable: a row has another number of columns, the text is not in the encoding,
        holds NUL bytes or is cut off.
      OddQuotes: after the last row: the number of quotes is odd.
    """
    written = _header_as_written(path, text)
    as_written = dict(zip(text_format.column_names(written, text), written))
    wanted = [as_written.get(name, name) for name in columns]
    # A file of Arrow's own: its reading thread then needs nothing of Python, and a
    # reader can be left in the middle (pyarrow before 15 waits with Python's lock).
    with _unreadable(), _plain_local_file(path, text) as (local, quotes), pa.OSFile(local) as file:
        for batch in _open(file, text, wanted):
            arrays = [_trimmed(a, text) for a in batch.columns] if text.trim else batch.columns
            batch = pa.RecordBatch.from_arrays(arrays, list(columns))
            yield from (batch.slice(i, _ROWS) for i in range(0, batch.num_rows, _ROWS))
    if quotes % 2:
        raise OddQuotes(path)


def _trimmed(texts: pa.Array, text: TextFormat) -> pa.Array:
    texts = pc.utf8_trim_whitespace(texts)
    missing = pc.is_in(texts, value_set=pa.array(text.no_values))
    return pc.if_else(missing, pa.scalar(None, pa.string()), texts)


@contextlib.contextmanager
def _plain_local_file(path: str, text: TextFormat) -> Iterator[tuple[str, int]]:
    """The file on this machine, as UTF-8 that is not compressed, and its number of quotes.

    Arrow accepts NUL bytes and quotes that are never closed, so both are looked for first.

    Raises:
      pa.ArrowInvalid: the file holds NUL bytes.
      UnicodeDecodeError: the file is not in the encoding.
    """
    quote = text.quote.encode()
    if text.is_utf8 and not is_remote(path) and not is_compressed(path):
        with open(path, "rb") as file:
            quotes = _count_quotes(_chunks(file), quote)
        yield path, quotes
        return
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy:
        with open_plain(path) as file:
            chunks = _chunks(file) if text.is_utf8 else _as_utf8(_chunks(file), text.encoding)
            quotes = _count_quotes(chunks, quote, copy)
        copy.flush()
        yield copy.name, quotes


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while data := file.read(_BLOCK):
        yield data


def _as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _count_quotes(chunks: Iterator[bytes], quote: bytes, copy: IO[bytes] | None = None) -> int:
    quotes = 0
    for data in chunks:
        if b"\0" in data:
            raise pa.ArrowInvalid("NUL byte")
        quotes += data.count(quote) if quote else 0
        if copy is not None:
            copy.write(data)
    return quotes


def _open(
    file: pa.NativeFile, text: TextFormat, columns: Sequence[str]
) -> arrow_csv.CSVStreamingReader:
    names = list(text.header) or None
    return arrow_csv.open_csv(
        file,
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=_BLOCK, skip_rows=text.skip_rows, column_names=names
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=text.delimiter, quote_char=text.quote or False, newlines_in_values=True
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in columns},
            include_columns=list(columns),
            include_missing_columns=True,
            null_values=text.no_values,
            strings_can_be_null=True,
        ),
    )
