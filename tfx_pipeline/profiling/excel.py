"""Turns a sheet of an Excel file into CSV for `init`: a run reads no Excel files."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import io
import pathlib
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from tfx_pipeline.errors import ConfigError, MissingExtra, Problem, did_you_mean

ENDINGS = (".xlsx", ".xlsm")
_OTHERS = (".xls", ".xlsb", ".ods", ".numbers")
_ERRORS = {"#N/A", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!", "#VALUE!"}
_MIDNIGHT = datetime.time()


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A sheet as CSV.

    Attributes:
      name: the sheet's name.
      others: the names of the other sheets with values.
      text: the CSV.
    """

    name: str
    others: tuple[str, ...]
    text: str


def is_excel(data: str) -> bool:
    """Whether DATA is named like a file of a spreadsheet program."""
    return data.lower().endswith((*ENDINGS, *_OTHERS))


def read(file: pathlib.Path, name: str | None = None) -> Sheet:
    """Reads a sheet: its first row with a value names the columns.

    Args:
      file: the .xlsx file.
      name: the sheet; None for the first one with values.

    Raises:
      ConfigError: there is no such file or sheet, or it has no rows.
      MissingExtra: openpyxl is not installed.
    """
    if not file.is_file():
        names = sorted(p.name for p in file.parent.iterdir()) if file.parent.is_dir() else []
        raise _wrong(f"{file} does not exist", did_you_mean(file.name, names))
    if file.name.lower().endswith(_OTHERS):
        raise _wrong(f"init cannot read {file.suffix} ({file})", "Save the table as .xlsx or CSV")
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtra("openpyxl, which reads Excel files,", "excel") from error
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        message = f"{file} cannot be read as an Excel file: {error}"
        raise _wrong(message, "Save it again as .xlsx, without a password") from error
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if name is not None and name not in sheets:
            hint = did_you_mean(name, sheets)
            raise _wrong(f"{file} has no sheet {name!r}", hint or "Name one with --table")
        filled = {t: rows for t, s in sheets.items() if (rows := list(_rows(s)))}
    finally:
        book.close()
    chosen = name if name is not None else next(iter(filled), None)
    if chosen is None or len(filled.get(chosen, ())) < 2:
        where = f"{file}, sheet {chosen!r}," if chosen is not None else str(file)
        raise _wrong(f"{where} has no rows", "Name a file with a header and rows")
    others = tuple(title for title in filled if title != chosen)
    return Sheet(chosen, others, _csv(filled[chosen]))


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """The rows with a value."""
    for row in sheet.iter_rows(values_only=True):
        values = [None if isinstance(v, str) and v in _ERRORS else v for v in row]
        if any(value not in (None, "") for value in values):
            yield values


def _csv(rows: list[list[Any]]) -> str:
    """The columns that have a name or a value."""
    width = max(map(len, rows))
    full = [row + [None] * (width - len(row)) for row in rows]
    columns = [column for column in zip(*full) if any(v not in (None, "") for v in column)]
    header = [_text(column[0]) for column in columns]
    texts = [_texts(column[1:]) for column in columns]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*texts))
    return stream.getvalue()


def _texts(values: Sequence[Any]) -> list[str]:
    times = [v for v in values if isinstance(v, datetime.datetime)]
    days = all(time.time() == _MIDNIGHT for time in times)
    whole = all(v.is_integer() for v in values if isinstance(v, float))
    return [_text(value, days, whole) for value in values]


def _text(value: Any, days: bool = False, whole: bool = False) -> str:
    """A value as CSV has it.

    Args:
      value: the cell's.
      days: whether times are written as days.
      whole: whether floats are written as whole numbers.
    """
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if days else value.isoformat(timespec="seconds")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, float):
        return str(int(value)) if whole else repr(value)
    return str(value)


def _wrong(message: str, remedy: str) -> ConfigError:
    return ConfigError(Problem("", message, remedy))
