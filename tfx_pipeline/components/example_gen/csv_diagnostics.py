"""Finds out what is wrong with a CSV file, with line numbers.

The quick reader only notices that something is wrong. This one reads line by
line, and is called for files that are refused.
"""

from __future__ import annotations

import csv
import os
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen.input_files import open_plain
from tfx_pipeline.components.example_gen.type_inference import is_value
from tfx_pipeline.errors import Finding

MOST = 20
_SHOWN = 60
_END = "end of file 5f1c3b1e"
_KIND_NAMES = {Kind.INT: "INT", Kind.FLOAT: "FLOAT", Kind.BYTES: "BYTES"}


class Problems:
    """The first findings and how many there are of each rule."""

    def __init__(self, path: str):
        self._name = os.path.basename(path)
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, line: int, subject: str, rule: str, found: str) -> None:
        """Counts a finding and keeps it if it is one of the first."""
        self.counts[subject, rule] += 1
        if len(self.findings) < MOST:
            where = f"{self._name} line {line}: " if line else f"{self._name}: "
            self.findings.append(Finding(subject, rule, where + found))


def inspect(path: str, delimiter: str, kinds: Mapping[str, Kind]) -> Problems:
    """Reads the whole file; `kinds` are the types that values must have."""
    problems = Problems(path)
    limit = csv.field_size_limit(1 << 30)
    try:
        with open_plain(path) as file:
            _inspect_rows(csv.reader(_lines(file, problems), delimiter=delimiter), kinds, problems)
    except csv.Error as error:
        problems.add(0, "(file)", "not CSV", f"{error}. Is a quote not closed?")
    except (EOFError, zlib.error, OSError) as error:
        problems.add(0, "(file)", "not readable", f"{error}. Is it cut off or no gzip file?")
    finally:
        csv.field_size_limit(limit)
    return problems


def _lines(file, problems: Problems) -> Iterator[str]:
    for number, raw in enumerate(file, 1):
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


def _inspect_rows(reader, kinds: Mapping[str, Kind], problems: Problems) -> None:
    header = next((row for row in reader if row), [])
    if header and _END in header[-1]:
        problems.add(1, "(header)", "quote not closed", "the rest of the file is one value")
        return
    checked = [(i, name, kinds[name]) for i, name in enumerate(header) if _has_type(kinds, name)]
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
                if not is_value(row[index], kind):
                    problems.add(line, name, "wrong type", _wrong(row[index], kind))
        line = reader.line_num + 1


def _has_type(kinds: Mapping[str, Kind], name: str) -> bool:
    return kinds.get(name) in (Kind.INT, Kind.FLOAT)


def _wrong(text: str, kind: Kind) -> str:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f'expected {_KIND_NAMES[kind]}, found "{shown}"'
