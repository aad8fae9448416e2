"""Finding the data's files and reading their columns' names, without TensorFlow.

Only names are read here. What the rows hold is for ExampleGen and the gate.
"""

from __future__ import annotations

import csv
import glob
import gzip
import pathlib
import re
import zlib

_SPAN = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(:\d+)?\}")

ENDINGS = {
    "csv": (".csv", ".csv.gz"),
    "parquet": (".parquet",),
    "tfrecord": (".tfrecord", ".tfrecords", ".gz"),
}
"""How the files of a folder end; a file named in full may end in any way."""

MAX_FILES = 100
"""How many files' headers are compared; more would be slow."""


def has_span(path: str) -> bool:
    """Whether `path` is a pattern, as in `data/{SPAN}`."""
    return bool(_SPAN.search(path))


def find(path: str, file_format: str) -> list[pathlib.Path]:
    """The files `path` stands for: one file, a folder's files, or those of a span pattern."""
    if has_span(path):
        return _files_of_pattern(path, file_format)
    place = pathlib.Path(path)
    if place.is_dir():
        return [file for file in sorted(place.iterdir()) if _is_data(file, file_format)]
    return [place] if place.is_file() else []


def _files_of_pattern(path: str, file_format: str) -> list[pathlib.Path]:
    """Files of every span; a pattern may name folders or files."""
    found = [pathlib.Path(place) for place in glob.glob(_SPAN.sub("*", path))]
    files = [file for place in found for file in (place.iterdir() if place.is_dir() else [place])]
    return sorted(file for file in files if _is_data(file, file_format))


def _is_data(file: pathlib.Path, file_format: str) -> bool:
    if file.name.startswith((".", "_")) or not file.is_file():
        return False
    if file_format == "tfrecord" and "tfrecord" in file.name:
        return True
    return file.name.lower().endswith(ENDINGS[file_format])


def columns(file: pathlib.Path, file_format: str, delimiter: str) -> list[str] | None:
    """The names of a file's columns; None when they cannot be told.

    A file that cannot be read as its format is refused by ExampleGen, with the
    exit code of bad data; so it has no columns here.
    """
    if file_format == "csv":
        return _csv_header(file, delimiter)
    if file_format == "parquet":
        return _parquet_header(file)
    return None


def _csv_header(file: pathlib.Path, delimiter: str) -> list[str] | None:
    opener = gzip.open if file.name.endswith(".gz") else open
    try:
        with opener(file, "rt", newline="", encoding="utf-8-sig") as lines:
            return next(csv.reader(lines, delimiter=delimiter), None)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error):
        return None


def _parquet_header(file: pathlib.Path) -> list[str] | None:
    import pyarrow
    import pyarrow.parquet

    try:
        return list(pyarrow.parquet.read_schema(file).names)
    except (OSError, pyarrow.ArrowException):
        return None
