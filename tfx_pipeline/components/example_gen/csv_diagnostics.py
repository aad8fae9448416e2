"""Finds the problems of a CSV file, with line numbers.

`csv_reader` is fast, and only notices that there is a problem. This one reads line by
line, and is called for files that are refused.
"""

from __future__ import annotations

import csv
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen.input_files import open_plain
from tfx_pipeline.components.example_gen.type_inference import is_value
from tfx_pipeline.errors import Finding

MOST = 20
"""Findings that are kept of a file."""

_SHOWN = 60
# A line that no file has.
_END = "end of file 5f1c3b1e"


class Problems:
    """The first findings, and the number of findings for each subject and rule."""

    def __init__(self, path: str):
        self._name = os.path.basename(path)
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, line: int, subject: str, rule: str, found: str) -> None:
        """Counts a finding, and keeps it if it is one of the first.

        Args:
          line: from 1; 0 if the finding is about the whole file.
          subject: the column, or a part of the file.
          rule: the broken rule.
          found: what the file has.
        """
        self.counts[subject, rule] += 1
        if len(self.findings) < MOST:
            where = f"{self._name} line {line}: " if line else f"{self._name}: "
            self.findings.append(Finding(subject, rule, where + found))


def inspect(path: str, delimiter: str, kinds: Mapping[str, Kind]) -> Problems:
    """Reads the whole file.

    Args:
      path: the file.
      delimiter: the separator of values.
      kinds: the kinds of the columns in the schema.
    """
    problems = Problems(path)
    limit = csv.field_size_limit(1 << 30)
    try:
        with open_plain(path) as file:
            _inspect_rows(_lines(file, problems), delimiter, kinds, problems)
    except csv.Error as error:
        problems.add(0, "(file)", "not CSV", f"{error}. Is a quote not closed?")
    except (EOFError, zlib.error, OSError) as error:
        problems.add(0, "(file)", "not readable", f"{error}. Is it truncated, or not a gzip file?")
    finally:
        csv.field_size_limit(limit)
    return problems


def _lines(file: Iterable[bytes], problems: Problems) -> Iterator[str]:
    for number, raw in enumerate(file, 1):
        if b"\r" in raw.rstrip(b"\r\n") and b'"' not in raw:
            found = "a carriage return without a line feed. Put the value in quotes"
            problems.add(number, "(row)", "line break in a value", found)
            raw = raw.rstrip(b"\r\n").replace(b"\r", b" ") + b"\n"
        if b"\0" in raw:
            found = "a NUL byte. Save the file as UTF-8 text"
            problems.add(number, "(file)", "NUL byte", found)
            raw = raw.replace(b"\0", b"")
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            bad = raw[error.start : error.start + 8]
            found = f"bytes {bad!r} at position {error.start + 1}. Save the file as UTF-8"
            problems.add(number, "(file)", "invalid UTF-8", found)
            yield raw.decode(errors="replace")
    yield from ("\n", _END)  # a row of its own, unless a quote is still open


def _inspect_rows(
    lines: Iterator[str], delimiter: str, kinds: Mapping[str, Kind], problems: Problems
) -> None:
    reader = csv.reader(lines, delimiter=delimiter)
    header: list[str] = next((row for row in reader if row), [])
    if header and _END in header[-1]:
        problems.add(1, "(header)", "quote not closed", "the rest of the file is one value")
        return
    checked = [
        (index, name, kinds[name])
        for index, name in enumerate(header)
        if kinds.get(name) in (Kind.INT, Kind.FLOAT)
    ]
    line = reader.line_num + 1
    for row in reader:
        if row == [_END]:
            return
        if row and _END in row[-1]:
            problems.add(line, "(row)", "quote not closed", "the rest of the file is one value")
        elif row and len(row) != len(header):
            found = f"{len(row)} values where the header has {len(header)} columns"
            problems.add(line, "(row)", "ragged row", found)
        elif row:
            for index, name, kind in checked:
                text = row[index]
                if not is_value(text, kind):
                    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
                    found = f'expected {kind.name}, found "{shown}"'
                    problems.add(line, name, "wrong type", found)
        line = reader.line_num + 1
