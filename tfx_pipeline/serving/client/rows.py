"""Rows as clients have them - dicts, DataFrames, Arrow tables, CSV files - as columns."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from tfx_pipeline.errors import ConfigError, Problem, did_you_mean

_MOST_NAMES = 5


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
      columns: values by name.
      count: how many rows.
      is_text: whether every value is text, as in a CSV file, and an empty one is missing.
      is_loose: whether columns that the model does not know may be there.
      source: for error messages.
      first_row: the number of the first row, for error messages.
    """

    columns: Mapping[str, Sequence[Any]]
    count: int
    is_text: bool = False
    is_loose: bool = True
    source: str = "the input"
    first_row: int = 0

    def take(self, numbers: Sequence[int]) -> Table:
        """Those rows of it."""
        columns = {name: [values[n] for n in numbers] for name, values in self.columns.items()}
        return dataclasses.replace(self, columns=columns, count=len(numbers))


def read(rows: Any) -> Table:
    """The table of a list of dicts, a pandas DataFrame, a pyarrow table or a CSV path.

    Raises:
      ConfigError: it is none of these, or the file cannot be read.
    """
    if isinstance(rows, (str, os.PathLike)):
        return _from_file(rows)
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
    """The table of a list of dicts; a key that a row lacks is a missing value.

    Raises:
      ConfigError: one of them is no dict.
    """
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            message = f"must be a mapping of columns to values, found {type(row).__name__}"
            raise ConfigError(Problem(f"row {first_row + number}", message), source)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return Table(columns, len(rows), is_loose=False, source=source, first_row=first_row)


def _from_file(path: str | os.PathLike[str]) -> Table:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = CsvReader(file, str(path))
            return reader.table(list(reader.rows))
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be read: {error.strerror}")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(str(path), f"is not UTF-8: {error}")) from error


class CsvReader:
    """A CSV file, row by row.

    Attributes:
      header: the columns' names.
      rows: what is below it.

    Raises:
      ConfigError: there is no header, or it names a column twice.
    """

    def __init__(self, file: TextIO, source: str):
        self._source = source
        self.rows = csv.reader(file)
        self.header = next(self.rows, [])
        if not self.header:
            raise ConfigError(Problem(source, "has no header row with the columns' names"))
        twice = sorted({name for name in self.header if self.header.count(name) > 1})
        if twice:
            raise ConfigError(Problem(source, f"names a column twice: {', '.join(twice)}"))

    def table(self, rows: Sequence[Sequence[str]], first_row: int = 1) -> Table:
        """The table of some of its rows; empty lines are left out.

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


def ensure_known(table: Table, wanted: Sequence[str]) -> None:
    """Refuses columns that the model does not know where they look like a mistake.

    Raises:
      ConfigError: a key of a dict is unknown, or a column of a table is nearly one
        that the model misses.
    """
    missing = [name for name in wanted if name not in table.columns]
    problems = []
    for name in table.columns:
        if name in wanted:
            continue
        hint = did_you_mean(name, missing) if missing else ""
        is_near = hint.startswith("Did you mean")
        if is_near or not table.is_loose:
            hint = hint if is_near else did_you_mean(name, wanted)
            problems.append(Problem(name, "is no column of the model", hint))
    if problems:
        raise ConfigError(problems[:_MOST_NAMES], table.source)
