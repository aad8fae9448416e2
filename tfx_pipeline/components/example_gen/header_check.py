"""Reads the files' headers: which columns there are, and what is wrong with their names."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable

from tfx_pipeline.components.example_gen import csv_diagnostics, csv_reader
from tfx_pipeline.components.example_gen.columnar_readers import ColumnarReader
from tfx_pipeline.components.example_gen.images import Images
from tfx_pipeline.components.example_gen.record_readers import AvroReader, JsonLinesReader
from tfx_pipeline.components.example_gen.sql_spool import SpoolReader
from tfx_pipeline.components.example_gen.table_sources import CsvSource, Source
from tfx_pipeline.components.example_gen.tfrecord_source import TfRecordSource
from tfx_pipeline.components.example_gen.typed_source import (
    NAME_IT,
    NO_NAME,
    Reader,
    TypedSource,
    Unreadable,
)
from tfx_pipeline.components.example_gen.typed_values import ColumnTypes
from tfx_pipeline.config import data_files
from tfx_pipeline.config.text_format import TextFormat
from tfx_pipeline.errors import DataRefused, Finding

_log = logging.getLogger(__name__)


def make_source(
    files: list[str],
    file_format: str,
    text: TextFormat,
    exclude: Iterable[str],
    types: ColumnTypes,
    base: str = "",
) -> Source:
    """The source for reading the files.

    Args:
      files: paths. A column that only some files have is missing in the others.
      file_format: csv, tsv, jsonl, parquet, orc, avro or tfrecord.
      text: how delimited text is written.
      exclude: columns to leave out.
      types: what is known about the columns.
      base: the folder below which folders may be named `column=value`.

    Raises:
      DataRefused: a file has no header, none of the columns of the first file, or names a
        column twice.
    """
    exclude, images = tuple(exclude), Images.of(types.declared)
    if file_format == "tfrecord":
        return TfRecordSource(exclude, images)
    if file_format not in data_files.DELIMITED:
        reader = _reader(file_format, files, base)
        _all_columns([(path, _columns(reader, path)) for path in files], exclude)
        return TypedSource(reader, types, exclude, images)
    header = _all_columns([(path, _text_columns(path, text)) for path in files], exclude)
    columns = tuple(name for name in header if name not in set(exclude))
    kinds = {name: kind for name, kind in types.kinds.items() if name in columns}
    booleans = tuple(name for name in columns if types.type_of(name) == "boolean")
    images = Images({n: share for n, share in images.shares.items() if n in columns})
    return CsvSource(columns, kinds, text, booleans, images)


def _reader(file_format: str, files: list[str], base: str) -> Reader:
    if file_format == "jsonl":
        return JsonLinesReader()
    if file_format == "avro":
        return AvroReader()
    if file_format == "sql":
        return SpoolReader()
    values: dict[str, set[str | None]] = {}
    for path in files:
        for name, value in data_files.partition_values(path, base).items():
            values.setdefault(name, {None}).add(value)
    integers = [n for n, v in values.items() if all(x is None or _is_integer(x) for x in v)]
    return ColumnarReader(file_format, base, frozenset(integers))


def _is_integer(text: str) -> bool:
    """Whether the text is how a whole number of 64 bits is written; `01` is not."""
    return text.removeprefix("-").isdecimal() and text.isascii() and text == str(int(text))


def _columns(reader: Reader, path: str) -> list[str]:
    try:
        return reader.columns(path)
    except Unreadable as error:
        raise _refused(path, error.rule, error.found) from error


def _text_columns(path: str, text: TextFormat) -> list[str]:
    try:
        header = csv_reader.read_header(path, text)
    except csv_reader.Unreadable as error:
        problems = csv_diagnostics.inspect(path, text, {}).findings
        finding = problems[0] if problems else Finding("(header)", "not readable", str(error))
        raise _refused(path, finding.rule, finding.found) from error
    if not header:
        raise _refused(path, "empty file", "expected a header and rows")
    return header


def _all_columns(headers: list[tuple[str, list[str]]], exclude: Collection[str]) -> list[str]:
    """The columns of all files, in the order in which they come."""
    first_path, first = headers[0]
    first_name = os.path.basename(first_path)
    columns: dict[str, None] = {}
    for path, header in headers:
        _check_names(path, header, exclude)
        if first and not set(header) & set(first):
            shown = ", ".join(map(repr, header[:5]))
            found = f"none of the columns of {first_name}; its first line starts with {shown}"
            remedy = "If the files have no header, name the columns in data.header"
            raise _refused(path, "different header", f"{found}. {remedy}")
        if set(header) != set(first):
            _log.warning("ExampleGen: %s: %s", path, _difference(header, first, first_name))
        columns.update(dict.fromkeys(header))
    return list(columns)


def _check_names(path: str, header: list[str], exclude: Collection[str]) -> None:
    kept = [name for name in header if name not in exclude]
    if "" in kept:
        raise _refused(path, NO_NAME, f"column {header.index('') + 1}. {NAME_IT}")
    twice = [name for name, count in Counter(kept).items() if count > 1]
    if twice:
        raise _refused(path, "column named twice", ", ".join(repr(name) for name in twice))
    if any("\0" in name for name in header):
        remedy = "Is it UTF-16? Then set data.encoding: utf-16"
        raise _refused(path, "NUL byte", f"in the header. {remedy}")


def _difference(header: list[str], first: list[str], first_name: str) -> str:
    missing = [name for name in first if name not in header]
    more = [name for name in header if name not in first]
    texts = [f"lacks {', '.join(missing)}"] if missing else []
    texts += [f"has also {', '.join(more)}"] if more else []
    return f"compared with {first_name} it {' and '.join(texts)}"


def _refused(path: str, rule: str, found: str) -> DataRefused:
    return DataRefused(f"{path}: {rule}: {found}", [Finding(os.path.basename(path), rule, found)])
