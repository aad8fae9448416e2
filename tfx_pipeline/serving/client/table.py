"""Rows as callers have them - dicts, DataFrames, Arrow tables, CSV files - as columns."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean

_MAX_PROBLEMS = 5


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
      columns: values by name.
      count: the number of rows.
      is_text: whether every value is text, as in a CSV file, so that '' is a missing value.
      allows_extra_columns: whether columns that the model does not have are ignored.
      source: where the rows come from, for error messages.
      first_row: the number of the first row, for error messages.
    """

    columns: Mapping[str, Sequence[Any]]
    count: int
    is_text: bool = False
    allows_extra_columns: bool = True
    source: str = "the input"
    first_row: int = 0

    def take(self, row_numbers: Sequence[int]) -> Table:
        """Returns the table of some of its rows, numbered from 0."""
        columns = {
            name: [values[number] for number in row_numbers]
            for name, values in self.columns.items()
        }
        return dataclasses.replace(self, columns=columns, count=len(row_numbers))


def to_table(rows: Any) -> Table:
    """Returns the table of a list of dicts, a DataFrame, an Arrow table or a CSV file's path.

    Raises:
      ConfigError: it is none of these, or the file cannot be read.
    """
    if isinstance(rows, (str, os.PathLike)):
        return _from_csv_file(rows)
    if hasattr(rows, "column_names"):  # a pyarrow table
        columns = {name: rows[name].to_pylist() for name in rows.column_names}
        return Table(columns, len(rows))
    if hasattr(rows, "iloc"):  # a pandas DataFrame
        columns = {str(name): rows[name].to_numpy() for name in rows.columns}
        return Table(columns, len(rows))
    if isinstance(rows, Sequence):
        return from_dicts(rows)
    raise ConfigError(
        "rows must be a list of dicts, a DataFrame, an Arrow table or the path of a CSV file, "
        f"found {type(rows).__name__}"
    )


def from_dicts(rows: Sequence[Any], source: str = "the input", first_row: int = 0) -> Table:
    """Returns the table of a list of dicts; a key that a row lacks is a missing value.

    Args:
      rows: the dicts.
      source, first_row: as in `Table`.

    Raises:
      ConfigError: one of them is not a dict.
    """
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            message = f"must be a mapping of columns to values, found {type(row).__name__}"
            raise ConfigError(Problem(f"row {first_row + number}", message), source)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Table(columns, len(rows), allows_extra_columns=False, source=source, first_row=first_row)


def _from_csv_file(path: str | os.PathLike[str]) -> Table:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = CsvReader(file, str(path))
            return reader.table(list(reader.rows))
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), f"is not UTF-8: {error}")) from error


class CsvReader:
    """Reads a CSV file row by row.

    Args:
      file: the open file.
      source: its name, for error messages.

    Attributes:
      header: the names of the columns.
      rows: iterates over the rows below the header.

    Raises:
      ConfigError: there is no header, or a column is in it twice.
    """

    def __init__(self, file: TextIO, source: str):
        self._source = source
        self.rows = csv.reader(file)
        self.header = next(self.rows, [])
        if not self.header:
            raise ConfigError(Problem(source, "has no header row with the names of the columns"))
        repeated = sorted({name for name in self.header if self.header.count(name) > 1})
        if repeated:
            raise ConfigError(Problem(source, f"names a column twice: {', '.join(repeated)}"))

    def table(self, rows: Sequence[Sequence[str]], first_row: int = 1) -> Table:
        """Returns the table of some of the rows, without the empty ones.

        Raises:
          ConfigError: a row has more or fewer values than the header.
        """
        rows = [row for row in rows if row]
        for number, row in enumerate(rows):
            if len(row) != len(self.header):
                message = f"must have {len(self.header)} values, found {len(row)}"
                raise ConfigError(Problem(f"row {first_row + number}", message), self._source)
        columns = dict(zip(self.header, zip(*rows))) if rows else dict.fromkeys(self.header, ())
        return Table(columns, len(rows), is_text=True, source=self._source, first_row=first_row)


def ensure_known_columns(table: Table, wanted: Sequence[str]) -> None:
    """Refuses columns that the model does not have where they look like a mistake.

    Args:
      table: the rows.
      wanted: the names of the model's columns.

    Raises:
      ConfigError: a key of a dict is unknown, or the name of another table's column is
        close to the name of a column that is missing, or no column is one of the model.
    """
    missing = [name for name in wanted if name not in table.columns]
    problems = []
    for name in table.columns:
        if name in wanted:
            continue
        hint = did_you_mean(name, missing) if missing else ""
        is_close = hint.startswith("Did you mean")
        if is_close or not table.allows_extra_columns:
            hint = hint if is_close else did_you_mean(name, wanted)
            problems.append(Problem(name, "is not a column of the model", hint))
    if problems:
        raise ConfigError(problems[:_MAX_PROBLEMS], table.source)
    if table.columns and len(missing) == len(wanted) > 0:
        # Every row would be all missing values, and so every answer the same.
        message = f"none of the columns is one of the model's. It takes {', '.join(wanted[:12])}"
        raise ConfigError(Problem("", message), table.source)


def is_missing(value: Any) -> bool:
    """Returns whether a value is None, NaN, or one of pandas' missing values."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"
