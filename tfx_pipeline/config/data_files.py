"""Finding the data's files and reading their columns' names, without TensorFlow.

Only names are read here. The rows are checked by ExampleGen and the DataGate.
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
"""How the names of a folder's data files end; a single file may have any name."""

MAX_FILES = 100
"""How many files' headers are read; more would be slow."""


def has_span(path: str) -> bool:
    """Whether `path` is a pattern, as in `data/{SPAN}`."""
    return bool(_SPAN.search(path))


def find(path: str, file_format: str) -> list[pathlib.Path]:
    """The files `path` stands for, sorted: one file, a folder's files, or those of all spans.

    A pattern with `{SPAN}` or the like may name files or folders.
    """
    if not has_span(path):
        places = [pathlib.Path(path)]
        if places[0].is_file():
            return places
    else:
        places = [pathlib.Path(place) for place in glob.glob(_SPAN.sub("*", path))]
    files = [file for p in places for file in (p.iterdir() if p.is_dir() else [p])]
    return sorted(file for file in files if is_data(file.name, file_format) and file.is_file())


def is_data(name: str, file_format: str) -> bool:
    """Whether a file of that name in a data folder holds rows.

    Hidden files and those that begin with `_`, such as Spark's `_SUCCESS`, do not.
    """
    if name.startswith((".", "_")):
        return False
    if file_format == "tfrecord" and "tfrecord" in name:
        return True
    return name.lower().endswith(ENDINGS[file_format])


def expected_names(file_format: str) -> str:
    """The names of a format's data files, for messages: `*.csv or *.csv.gz`."""
    return " or ".join(f"*{ending}" for ending in ENDINGS[file_format])


def columns(file: pathlib.Path, file_format: str, delimiter: str) -> list[str] | None:
    """The names of a file's columns; None when the file does not contain them.

    None also for a file that cannot be read as its format: ExampleGen refuses it
    with the exit code of bad data.
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
