"""Files of rows, read a batch at a time: CSV, or one JSON object a line."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client import rows as tables
from tfx_pipeline.serving.client.rows import Table

CSV, JSON_LINES = "csv", "jsonl"

_ENDINGS = {".csv": CSV, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES}


def format_of(name: str) -> str:
    """What a file's name says; CSV where it says nothing."""
    return _ENDINGS.get(pathlib.Path(name).suffix.lower(), CSV)


@contextlib.contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """The file to read; `-` is standard input.

    Raises:
      ConfigError: there is none, or it is no text.
    """
    try:
        if name == "-":
            yield sys.stdin
        else:
            with open(name, encoding="utf-8-sig", newline="") as file:
                yield file
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(name, f"is not UTF-8: {error.reason}")) from error
    except OSError as error:
        if error.filename != name:
            raise
        raise ConfigError(Problem(name, f"cannot be read: {error.strerror}")) from error


def batches(file: TextIO, name: str, file_format: str, size: int) -> Iterator[Table]:
    """Tables of at most `size` rows.

    Raises:
      ConfigError: a line is neither.
    """
    read = _csv_batches if file_format == CSV else _json_batches
    return read(file, name, size)


def _csv_batches(file: TextIO, name: str, size: int) -> Iterator[Table]:
    reader = tables.CsvReader(file, name)
    rows = (row for row in reader.rows if row)
    first = 1
    try:
        while batch := list(itertools.islice(rows, size)):
            yield reader.table(batch, first)
            first += len(batch)
    except csv.Error as error:
        raise ConfigError(Problem(name, f"line {reader.rows.line_num}: {error}")) from error


def _json_batches(file: TextIO, name: str, size: int) -> Iterator[Table]:
    lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
    while batch := list(itertools.islice(lines, size)):
        rows = [_json_row(line, number, name) for number, line in batch]
        yield tables.from_dicts(rows, name, batch[0][0])


def _json_row(line: str, number: int, name: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        text = getattr(error, "msg", error)
        message = f"is no JSON: {text}"
        raise ConfigError(Problem(f"line {number}", message), name) from error


class Writer:
    """Writes predictions as they come."""

    def __init__(self, file: TextIO, file_format: str):
        self._file, self._format = file, file_format
        self._csv: csv.DictWriter | None = None

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """One line for each row; CSV has a header, from the first."""
        rows = list(rows)
        if self._format == JSON_LINES:
            self._file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        elif rows:
            self._writer([*rows[0]]).writerows(rows)

    def _writer(self, names: Sequence[str]) -> csv.DictWriter:
        if self._csv is None:
            self._csv = csv.DictWriter(self._file, names, lineterminator="\n")
            self._csv.writeheader()
        return self._csv
