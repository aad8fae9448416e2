"""Finding the data's files and reading their columns' names, without TensorFlow.

Only names are read here. The rows are checked by ExampleGen and the DataGate.
"""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import itertools
import json
import pathlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, BinaryIO, cast
from urllib.parse import unquote

from tfx_pipeline.config import text_format
from tfx_pipeline.config.text_format import TextFormat

_SPAN = re.compile(r"\{(SPAN|VERSION|YYYY|MM|DD)(:\d+)?\}")

COMPRESSED = (".gz", ".zst")
"""How the names of compressed files end."""

ENDINGS = {
    "csv": (".csv", ".csv.gz", ".csv.zst"),
    "tsv": (".tsv", ".tsv.gz", ".tsv.zst"),
    "jsonl": tuple(f".{n}{c}" for n in ("jsonl", "ndjson", "json") for c in ("", ".gz", ".zst")),
    "parquet": (".parquet", ".pq"),
    "orc": (".orc",),
    "avro": (".avro",),
    "tfrecord": (".tfrecord", ".tfrecords", ".gz"),
}
"""How the names of a folder's data files end; a single file may have any name."""

DELIMITED = ("csv", "tsv")
"""The formats that `text_format` describes."""

PARTITIONED = ("parquet", "orc")
"""The formats whose folders may hold folders named `column=value`."""

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""How a missing value is written in such a folder's name."""

_RECORDS = ("jsonl", "avro")
_FIRST_BYTES = 4 << 20
_FIRST_RECORDS = 10_000

MAX_FILES = 100
"""How many files' headers are read; more would be slow."""


def has_span(path: str) -> bool:
    """Whether `path` is a pattern, as in `data/{SPAN}`."""
    return bool(_SPAN.search(path))


def find(path: str, file_format: str, folders: Iterable[str] = ()) -> list[pathlib.Path]:
    """The files `path` stands for, sorted: one file, a folder's files, or those of all spans.

    A pattern with `{SPAN}` or the like may name files or folders. With `folders`, the files are
    in folders of these names.
    """
    if not has_span(path):
        places = [pathlib.Path(path)]
        if places[0].is_file():
            return places
    else:
        places = [pathlib.Path(place) for place in glob.glob(_SPAN.sub("*", path))]
    places = [place / name for place in places for name in folders] or places
    files = [file for p in places for file in (_below(p, file_format) if p.is_dir() else [p])]
    return sorted(file for file in files if is_data(file.name, file_format) and file.is_file())


def _below(folder: pathlib.Path, file_format: str) -> Iterator[pathlib.Path]:
    for place in folder.iterdir():
        if file_format in PARTITIONED and "=" in place.name and place.is_dir():
            yield from _below(place, file_format)
        else:
            yield place


def partition_values(path: str, base: str) -> dict[str, str | None]:
    """The columns that the folders between `base` and a file name: `year=2024/a.parquet`."""
    folders = path.removeprefix(base).split("/")[:-1] if base else []
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    found = {unquote(name): unquote(value) for name, value in pairs}
    return {name: None if value == NO_PARTITION else value for name, value in found.items()}


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


def columns(file: pathlib.Path, file_format: str, text: TextFormat) -> list[str] | None:
    """The names of a file's columns; None when the file does not contain them.

    None also for a file that cannot be read as its format: ExampleGen refuses it
    with the exit code of bad data. Of JSON lines and Avro, the first rows are read.
    """
    if file_format in DELIMITED:
        return _header(file, text)
    if file_format in PARTITIONED:
        return _column_header(file, file_format)
    if file_format in _RECORDS:
        return _names_of_records(file, file_format)
    return None


def decompressed(raw: BinaryIO, name: str) -> IO[bytes]:
    """A file's content, decompressed if the file's name ends with .gz or .zst."""
    if name.lower().endswith(".gz"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if name.lower().endswith(".zst"):
        import pyarrow

        return cast(IO[bytes], pyarrow.CompressedInputStream(raw, "zstd"))
    return raw


def _header(file: pathlib.Path, text: TextFormat) -> list[str] | None:
    try:
        with open(file, "rb") as raw, decompressed(raw, file.name) as plain:
            header = text_format.header_as_written(plain, text)
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error):
        return None
    return text_format.column_names(header, text) or None


def _column_header(file: pathlib.Path, file_format: str) -> list[str] | None:
    import pyarrow
    from pyarrow import orc, parquet

    try:
        if file_format == "orc":
            schema = orc.ORCFile(str(file)).schema
        else:
            schema = parquet.read_schema(file)
    except (OSError, pyarrow.ArrowException):
        return None
    return [*flat_names(schema), *partition_values(str(file), "/")]


def _names_of_records(file: pathlib.Path, file_format: str) -> list[str] | None:
    try:
        with open(file, "rb") as raw, decompressed(raw, file.name) as plain:
            records = _avro(plain) if file_format == "avro" else _json_lines(plain)
            names = dict.fromkeys(name for record in records for name in flat_record(record))
    except (OSError, EOFError, zlib.error, LookupError, AttributeError, TypeError, ValueError):
        return None  # an AttributeError: a line that is no object
    return [*names] or None


def _json_lines(file: IO[bytes]) -> Iterator[Any]:
    first = file.readlines(_FIRST_BYTES)
    for number, line in enumerate(first):
        line = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        if line.strip():
            yield json.loads(line)


def _avro(file: IO[bytes]) -> Iterator[Any]:
    import fastavro

    return itertools.islice(iter(fastavro.reader(file)), _FIRST_RECORDS)


def flat_record(record: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A record's columns; the names of those within columns have a dot."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            flat |= flat_record(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def flat_names(fields: Any, above: str = "") -> Iterator[str]:
    """The names of an Arrow schema's columns; those within columns have a dot."""
    from pyarrow import types

    for field in fields:
        name = f"{above}{field.name}"
        if types.is_struct(field.type):
            yield from flat_names(struct_fields(field.type), f"{name}.")
        else:
            yield name


def struct_fields(struct: Any) -> list[Any]:
    """The fields of an Arrow type of columns within a column."""
    return [struct[index] for index in range(struct.num_fields)]
