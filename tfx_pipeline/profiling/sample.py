"""Reads the rows that `init` looks at, all values as texts."""

from __future__ import annotations

import dataclasses
import io
import pathlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.profiling import encodings, found_data, text_layout, typed_files
from tfx_pipeline.profiling.choice import Choice, counted
from tfx_pipeline.profiling.encodings import Encoding
from tfx_pipeline.profiling.found_data import FoundData
from tfx_pipeline.profiling.text_layout import TextLayout

_HEAD = 1 << 18
_BLOCK = 8 << 20


@dataclasses.dataclass(frozen=True)
class Sample:
    """Rows of a table.

    Attributes:
      table: the columns; of text files all of type string, an empty value is "".
      complete: whether these are all rows.
      total_rows: the number of all rows; an estimate if not `complete`.
      choices: what was found about the files, and why.
      data: the keys of the section `data` that differ from their defaults.
      where: the first file, for messages.
      first_line: the line of the first row in that file.
      types: the type of each column of files whose format tells it.
    """

    table: pa.Table
    complete: bool
    total_rows: int
    choices: tuple[Choice, ...]
    data: dict[str, Any]
    where: str
    first_line: int = 2
    types: dict[str, str] = dataclasses.field(default_factory=dict)


def read(found: FoundData) -> Sample:
    """Reads a table: all of a small one, a sample of a large one.

    Raises:
      ConfigError: a file cannot be read, or has another form than its name says.
    """
    if found.format in ("csv", "tsv"):
        return read_text(found)
    if found.format not in typed_files.FORMATS:
        message = f"init cannot read {found.format} ({found.path})"
        raise _refused(message, f"Save the table as CSV or {' or '.join(typed_files.FORMATS)}")
    table, rows = typed_files.read(found)
    return of_typed(table, rows, {"format": found.format}, str(found.files[0]))


def of_typed(table: pa.Table, rows: int, data: dict[str, Any], where: str) -> Sample:
    """The first rows of a source that tells the types.

    Args:
      table: the rows that were read.
      rows: the number of all rows.
      data: the keys of the section `data`.
      where: the source, for messages.
    """
    texts, types = typed_files.as_texts(table)
    complete = texts.num_rows == rows
    how = "all were read" if complete else f"the first {texts.num_rows:,} were read"
    return Sample(
        table=texts,
        complete=complete,
        total_rows=rows,
        choices=(Choice("rows", counted(rows, "row"), how),),
        data=data,
        where=where,
        types=types,
    )


def read_text(found: FoundData) -> Sample:
    """Reads CSV or TSV files.

    Raises:
      ConfigError: a file is no such table; the message names the line.
    """
    first = found.files[0]
    start = found_data.head(first, _HEAD)
    encoding = encodings.detect(start, complete=len(start) < _HEAD)
    if encoding.reason.startswith("only ASCII"):
        # A letter far below is enough; a few megabytes are quickly decoded.
        start_of_all = found_data.head(first, found_data.SAMPLED)
        whole = len(start_of_all) < found_data.SAMPLED
        encoding = encodings.detect(start_of_all, complete=whole)
    text = start.decode(_codec(encoding.name), errors="ignore")
    preferred = "\t" if found.format == "tsv" else ""
    layout = text_layout.detect(text, str(first), preferred)
    whole = found.size <= found_data.WHOLE
    pieces = [_read_file(file, encoding, layout, whole, found) for file in found.files]
    table = pa.concat_tables([table for table, _ in pieces], promote=True)
    share = sum(share * file.stat().st_size for (_, share), file in zip(pieces, found.files))
    complete = all(share >= 1 for _, share in pieces)
    rows = table.num_rows if complete else round(table.num_rows * found.size / share)
    return Sample(
        table=_without_nulls(table),
        complete=complete,
        total_rows=rows,
        choices=(about_rows(table.num_rows, rows, complete), *_about(encoding), *layout.choices),
        data=_keys(found, encoding, layout),
        where=str(first),
        first_line=layout.skip_rows + (1 if layout.header else 2),
    )


def _codec(name: str) -> str:
    return "utf-8-sig" if name == "utf-8" else name


def about_rows(read: int, rows: int, complete: bool) -> Choice:
    """How many rows there are, and how many of them were read."""
    if complete:
        return Choice("rows", counted(read, "row"), "all were read")
    return Choice("rows", f"about {rows:,} rows", f"{read:,} were read, from all over the files")


def _about(encoding: Encoding) -> list[Choice]:
    return [Choice("data.encoding", encoding.name, encoding.reason)]


def _keys(found: FoundData, encoding: Encoding, layout: TextLayout) -> dict[str, Any]:
    usual = "\t" if found.format == "tsv" else ","
    keys: dict[str, Any] = {}
    if found.format != "csv":
        keys["format"] = found.format
    if layout.delimiter != usual:
        keys["delimiter"] = layout.delimiter
    if layout.quote != '"':
        keys["quote"] = layout.quote
    if encoding.name != "utf-8":
        keys["encoding"] = encoding.name
    if layout.trim:
        keys["trim"] = True
    if layout.skip_rows:
        keys["skip_rows"] = layout.skip_rows
    if layout.header:
        keys["header"] = list(layout.header)
    return keys


def _without_nulls(table: pa.Table) -> pa.Table:
    """A column that a file lacks has no values there: empty texts, as everywhere."""
    columns = [
        column.combine_chunks().fill_null("") if column.null_count else column
        for column in table.columns
    ]
    return pa.table(dict(zip(table.column_names, columns)))


def _read_file(
    file: pathlib.Path, encoding: Encoding, layout: TextLayout, whole: bool, found: FoundData
) -> tuple[pa.Table, float]:
    """The rows that are looked at, and their share of the file."""
    names = _names_of(file, encoding, layout)
    if whole:
        with open(file, "rb") as raw, found_data.data_files.decompressed(raw, file.name) as plain:
            data = plain.read()
        skipped = layout.skip_rows + (0 if layout.header else 1)
        return _parse(data, encoding, layout, names, file, skipped), 1.0
    wanted = max(found_data.SAMPLED // len(found.files), 1 << 20)
    from_start = encoding.name.startswith("utf-16") or encoding.name.startswith("utf-32")
    first, pieces = found_data.sample(file, wanted, from_start=from_start)
    skipped = layout.skip_rows + (0 if layout.header else 1)
    tables = [_parse(first, encoding, layout, names, file, skipped)]
    tables += [_parse(piece, encoding, layout, names, None, 0) for piece in pieces if piece]
    read = len(first) + sum(map(len, pieces))
    return pa.concat_tables(tables), min(read / file.stat().st_size, 1.0 if pieces else 0.999)


def _names_of(file: pathlib.Path, encoding: Encoding, layout: TextLayout) -> list[str]:
    """The columns of one file: other files may have them in another order."""
    if layout.header:
        return list(layout.header)
    data = found_data.head(file, _HEAD)
    text = data.decode(_codec(encoding.name), errors="ignore")
    return list(text_layout.names(text, str(file), layout))


def _parse(
    data: bytes,
    encoding: Encoding,
    layout: TextLayout,
    names: Sequence[str],
    file: pathlib.Path | None,
    skipped: int,
) -> pa.Table:
    """The rows as texts. Without a file, rows of another width are left out."""
    wrong: list[Any] = []

    def skip(row: Any) -> str:
        wrong.append(row)
        return "skip"

    if encoding.name != "utf-8":
        data = _to_utf8(data, encoding.name, file)
    options = {
        "read_options": csv.ReadOptions(
            block_size=_BLOCK, column_names=list(names), skip_rows_after_names=0
        ),
        "parse_options": csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote or False,
            newlines_in_values=True,
            invalid_row_handler=skip,
        ),
        "convert_options": csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            strings_can_be_null=False,
            quoted_strings_can_be_null=False,
            check_utf8=True,
        ),
    }
    options["read_options"].skip_rows = skipped
    try:
        table = csv.read_csv(io.BytesIO(data), **options)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        raise _refused(f"{file or 'the file'} cannot be read: {error}") from error
    if wrong and file is not None:
        raise _wrong_width(data, layout, names, file, wrong[0])
    return table


def _to_utf8(data: bytes, encoding: str, file: pathlib.Path | None) -> bytes:
    try:
        return data.decode(encoding, errors="strict" if file else "ignore").encode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"{file}, line {line}: byte {error.object[error.start]:#04x} is not {encoding}"
        raise _refused(message, "Save the file as UTF-8") from error


def _wrong_width(
    data: bytes, layout: TextLayout, names: Sequence[str], file: pathlib.Path, row: Any
) -> ConfigError:
    reader = text_layout.reader(data.decode(errors="replace"), layout)
    line = 0
    for _ in range(layout.skip_rows):
        next(reader)
    for cells in reader:
        if cells and len(cells) != len(names):
            line = reader.line_num
            break
    shown = repr(row.text[:60])
    message = f"{file}, line {line}: has {row.actual_columns} values, the header {len(names)}"
    return _refused(f"{message}: {shown}", "Correct the line, or quote values with the delimiter")


def _refused(message: str, remedy: str = "") -> ConfigError:
    return ConfigError(Problem("", message, remedy))
