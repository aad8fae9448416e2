"""Finds the problems of a CSV file, with line numbers.

`csv_reader` is fast, and only notices that there is a problem. This one reads line by
line, and is called for files that are refused.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import IO

from tfx_pipeline.components.common.column_kinds import Kind
from tfx_pipeline.components.example_gen.input_files import open_plain
from tfx_pipeline.components.example_gen.number_format import NumberFormat
from tfx_pipeline.components.example_gen.type_inference import is_boolean, is_value
from tfx_pipeline.config import text_format
from tfx_pipeline.config.text_format import TextFormat
from tfx_pipeline.errors import Finding

MOST = 20
"""Findings that are kept of a file."""

_SHOWN = 60
# A line that no file has.
_END = "end of file 5f1c3b1e"
_OTHER_ENCODING = "Set data.encoding to the file's encoding, or save it as UTF-8"
_BAD_BYTES = re.compile("[\udc00-\udcff]+")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Problems:
    """The first findings, and the number of findings for each subject and rule."""

    def __init__(self, path: str, unit: str = "line"):
        self._name, self._unit = os.path.basename(path), unit
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, line: int, subject: str, rule: str, found: str) -> None:
        """Counts a finding, and keeps it if it is one of the first.

        Args:
          line: its number from 1, or a record's; 0 if the finding is about the whole file.
          subject: the column, or a part of the file.
          rule: the broken rule.
          found: what the file has.
        """
        self.counts[subject, rule] += 1
        if len(self.findings) < MOST:
            where = f"{self._name} {self._unit} {line}: " if line else f"{self._name}: "
            self.findings.append(Finding(subject, rule, where + found))


def inspect(
    path: str, text: TextFormat, kinds: Mapping[str, Kind], booleans: Collection[str] = ()
) -> Problems:
    """Reads the whole file.

    Args:
      path: the file.
      text: how it is written.
      kinds: the known kinds of columns.
      booleans: the columns of true and false.
    """
    problems = Problems(path)
    limit = csv.field_size_limit(1 << 30)
    try:
        with open_plain(path) as file:
            lines = _lines(file, text, problems)
            _inspect_rows(lines, text, _checks(kinds, booleans, text), problems)
    except csv.Error as error:
        problems.add(0, "(file)", "not CSV", f"{error}. Is a quote not closed?")
    except UnicodeError as error:  # about the file as a whole
        found = f"{error}. {_OTHER_ENCODING}"
        problems.add(0, "(file)", f"invalid {text.encoding}", found)
    except (EOFError, zlib.error, OSError) as error:
        compressed = "zstd" if path.endswith(".zst") else "gzip"
        found = f"{error}. Is it truncated, or not a {compressed} file?"
        problems.add(0, "(file)", "not readable", found)
    finally:
        csv.field_size_limit(limit)
    return problems


def _lines(file: IO[bytes], text: TextFormat, problems: Problems) -> Iterator[str]:
    """The lines, without what the checks of rows cannot read."""
    quote = text.quote or "\0"
    for number, line in enumerate(text_format.decoded_lines(file, text.codec), 1):
        if "\r" in line.rstrip("\r\n") and quote not in line:
            found = "a carriage return without a line feed. Put the value in quotes"
            problems.add(number, "(row)", "line break in a value", found)
            line = line.rstrip("\r\n").replace("\r", " ") + "\n"
        bad = _BAD_BYTES.search(line)
        if bad:
            problems.add(number, "(file)", *_undecodable(bad, text, number))
            line = _BAD_BYTES.sub("\ufffd", line)
        if "\0" in line:
            found = "a NUL byte. Is it UTF-16? Then set data.encoding: utf-16"
            problems.add(number, "(file)", "NUL byte", found)
            line = line.replace("\0", "")
        yield line
    yield from ("\n", _END)  # a row of its own, unless a quote is still open


def _undecodable(bad: re.Match[str], text: TextFormat, line: int) -> tuple[str, str]:
    """The rule, and what was found."""
    found = bytes(ord(character) - text_format.BAD_BYTE for character in bad[0][:8])
    if line == 1 and bad.start() == 0 and found.startswith(_UTF16_MARKS):
        return "NUL byte", "the file begins as UTF-16 does. Set data.encoding: utf-16"
    name = "UTF-8" if text.is_utf8 else text.encoding
    where = f"bytes {found!r} at character {bad.start() + 1}"
    return f"invalid {name}", f"{where}. {_OTHER_ENCODING}"


def _checks(
    kinds: Mapping[str, Kind], booleans: Collection[str], text: TextFormat
) -> dict[str, tuple[str, Callable[[str], bool]]]:
    """What a column's values must be, and whether a text is one; for columns of a known type."""
    numbers = NumberFormat(text.decimal, text.thousands)

    def number(kind: Kind) -> Callable[[str], bool]:
        return lambda value: is_value(value, kind, numbers)

    checks = {n: (k.name, number(k)) for n, k in kinds.items() if k in (Kind.INT, Kind.FLOAT)}
    return checks | dict.fromkeys(booleans, ("true or false", is_boolean))


def _inspect_rows(
    lines: Iterator[str],
    text: TextFormat,
    checks: Mapping[str, tuple[str, Callable[[str], bool]]],
    problems: Problems,
) -> None:
    skipped = sum(1 for _ in itertools.islice(lines, text.skip_rows))
    reader = csv.reader(lines, **text.csv_options())
    written = list(text.header) or next((row for row in reader if row), [])
    header = text_format.column_names(written, text)
    if header and _END in header[-1]:
        problems.add(1, "(header)", "quote not closed", "the rest of the file is one value")
        return
    checked = [(i, name, *checks[name]) for i, name in enumerate(header) if name in checks]
    missing = frozenset(text.no_values)
    line = skipped + reader.line_num + 1
    for row in reader:
        if row == [_END]:
            return
        if row and _END in row[-1]:
            problems.add(line, "(row)", "quote not closed", "the rest of the file is one value")
        elif row and len(row) != len(header):
            where = "data.header" if text.header else "the header"
            found = f"{len(row)} values where {where} has {len(header)} columns"
            problems.add(line, "(row)", "ragged row", found)
        elif row:
            for index, name, expected, accepts in checked:
                value = row[index].strip() if text.trim else row[index]
                if value not in missing and not accepts(value):
                    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
                    found = f'expected {expected}, found "{shown}"'
                    problems.add(line, name, "wrong type", found)
        line = skipped + reader.line_num + 1
