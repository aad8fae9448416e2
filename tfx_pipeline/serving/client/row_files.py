"""Files of rows, read in batches: CSV, or one JSON object a line."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import itertools
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from tfx_pipeline.errors import ConfigError, Problem
from tfx_pipeline.serving.client.table import CsvReader, Table, from_dicts

CSV, JSON_LINES = "csv", "jsonl"

_FORMATS_BY_SUFFIX = {
    ".csv": CSV,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".json": JSON_LINES,
}


def format_of(name: str) -> str:
    """Returns the format that a file's suffix means; CSV for an unknown suffix."""
    return _FORMATS_BY_SUFFIX.get(pathlib.Path(name).suffix.lower(), CSV)


@contextlib.contextmanager
def open_input(name: str) -> Iterator[TextIO]:
    """Opens a file to read; `-` is standard input.

    Raises:
      ConfigError: the file cannot be read, or is not UTF-8.
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


def read_batches(file: TextIO, name: str, file_format: str, size: int) -> Iterator[Table]:
    """Yields tables of at most `size` rows.

    Args:
      file: the open file.
      name: its name, for error messages.
      file_format: CSV or JSON_LINES.
      size: the maximum number of rows in a batch.

    Raises:
      ConfigError: a line cannot be parsed.
    """
    read = _csv_batches if file_format == CSV else _json_batches
    return read(file, name, size)


def _csv_batches(file: TextIO, name: str, size: int) -> Iterator[Table]:
    reader = CsvReader(file, name)
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
        rows = []
        for number, line in batch:
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                message = f"is not valid JSON: {getattr(error, 'msg', error)}"
                raise ConfigError(Problem(f"line {number}", message), name) from error
        rows = [_flat(row) if isinstance(row, Mapping) else row for row in rows]
        # A file may have more than the model needs: the label, identifiers.
        table = from_dicts(rows, name, batch[0][0])
        yield dataclasses.replace(table, allows_extra_columns=True)


def _flat(row: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The columns of an object; those of an object within have names with a dot."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        is_object = isinstance(value, Mapping) and [*value] != ["b64"]  # which stands for bytes
        flat |= _flat(value, f"{above}{key}.") if is_object else {f"{above}{key}": value}
    return flat


class PredictionWriter:
    """Writes predictions to a file, batch by batch.

    Args:
      file: the open file.
      file_format: CSV or JSON_LINES.
    """

    def __init__(self, file: TextIO, file_format: str):
        self._file, self._format = file, file_format
        self._csv: csv.DictWriter[str] | None = None

    def write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes one line for each row; the first row's keys are the header of a CSV file."""
        rows = list(rows)
        if self._format == JSON_LINES:
            self._file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        elif rows:
            if self._csv is None:
                self._csv = csv.DictWriter(self._file, [*rows[0]], lineterminator="\n")
                self._csv.writeheader()
            self._csv.writerows(rows)
