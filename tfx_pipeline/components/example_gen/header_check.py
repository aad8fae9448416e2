"""Reads the files' headers; refuses files that do not have the same columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
from pyarrow import parquet

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen import csv_diagnostics, csv_reader
from tfx_pipeline.components.example_gen.input_files import open_raw
from tfx_pipeline.components.example_gen.table_sources import CsvSource, ParquetSource, Source
from tfx_pipeline.components.example_gen.tfrecord_source import TfRecordSource
from tfx_pipeline.errors import DataRefused, Finding


def make_source(
    files: list[str],
    file_format: str,
    delimiter: str,
    exclude: Iterable[str],
    types: Mapping[str, Kind],
) -> Source:
    """The source for reading the files.

    Args:
      files: paths; all files must have the same columns.
      file_format: csv, parquet or tfrecord.
      delimiter: the separator of values in a CSV file.
      exclude: columns to leave out.
      types: the kinds of the columns in the schema.

    Raises:
      DataRefused: a file has no header or another one, or names a column twice.
    """
    if file_format == "tfrecord":
        return TfRecordSource(tuple(exclude))
    read = _parquet_columns if file_format == "parquet" else _csv_columns
    header = _common_header([(path, read(path, delimiter)) for path in files])
    columns = tuple(name for name in header if name not in set(exclude))
    types = {name: kind for name, kind in types.items() if name in columns}
    if file_format == "parquet":
        return ParquetSource(columns, types)
    return CsvSource(columns, types, delimiter)


def _csv_columns(path: str, delimiter: str) -> list[str]:
    try:
        header = csv_reader.read_header(path, delimiter)
    except csv_reader.Unreadable as error:
        problems = csv_diagnostics.inspect(path, delimiter, {}).findings
        finding = problems[0] if problems else Finding("(header)", "not readable", str(error))
        raise _refused(path, finding.rule, finding.found) from error
    if not header:
        raise _refused(path, "empty file", "expected a header and rows")
    return header


def _parquet_columns(path: str, delimiter: str) -> list[str]:
    try:
        with open_raw(path) as file:
            return parquet.ParquetFile(file).schema_arrow.names
    except pa.ArrowInvalid as error:
        raise _refused(path, "no Parquet file", str(error)) from error


def _common_header(headers: list[tuple[str, list[str]]]) -> list[str]:
    first_path, first = headers[0]
    _check_names(first_path, first)
    for path, header in headers[1:]:
        if header != first:
            name = os.path.basename(first_path)
            raise _refused(path, "different header", _difference(header, first, name))
    return first


def _check_names(path: str, header: list[str]) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise _refused(path, "column named twice", ", ".join(repr(name) for name in twice))
    if any("\0" in name for name in header):
        raise _refused(path, "NUL byte", "in the header. Save the file as UTF-8 text")


def _difference(header: list[str], first: list[str], first_name: str) -> str:
    missing = [name for name in first if name not in header]
    more = [name for name in header if name not in first]
    texts = [f"lacks {', '.join(missing)}"] if missing else []
    texts += [f"has also {', '.join(more)}"] if more else []
    return f"compared with {first_name} it {' and '.join(texts) or 'has another order'}"


def _refused(path: str, rule: str, found: str) -> DataRefused:
    return DataRefused(f"{path}: {rule}: {found}", [Finding(os.path.basename(path), rule, found)])
